// How arrays are laid out for products of bfloat16 numbers: an input's windows or rows, a kernel's strips.
#include <algorithm>
#include <cstring>

#include "half_gather.h"
#include "kernels.h"
#include "lines.h"
#include "pool.h"

namespace tconv {

void HalfGather::zero(const Laid& to, int64_t numbers) const {
    for (int64_t part = 0; part < parts_; ++part) std::memset(to.at + part * to.apart, 0, numbers * sizeof(Half));
}

void HalfGather::lay_runs(const Half* from, int64_t from_step, int64_t runs, int64_t count, const Laid& to,
                          int64_t to_step) const {
    kernels().copy_runs(from, from_step, runs, count, to.at, to_step);
}

void HalfGather::lay_runs(const float* from, int64_t from_step, int64_t runs, int64_t count, const Laid& to,
                          int64_t to_step) const {
    kernels().split_runs(from, from_step, runs, count, to.at, to_step, to.apart);
}

// The cells that a job's points see, those of each residue by themselves, with zeros around the input.
template <typename Number>
void HalfGather::lay_window(const Job& job, const Number* input, Laid to) const {
    const auto& sides = layout_.sides;
    const int64_t padded = layout_.padded;
    std::array<int64_t, 3> first;                   // cells before the step
    for (int i = 0; i < 3; ++i) first[i] = (i == layout_.band_axis ? job.from : sides[i].begin) + sides[i].least;
    const auto nothing = [&](int64_t cells) {
        zero(to, cells * padded);
        to.at += cells * padded;
    };
    for (const int64_t r0 : sides[0].residues)
        for (const int64_t r1 : sides[1].residues)
            for (const int64_t r2 : sides[2].residues) {
                for (int64_t n = 0; n < job.images; ++n)
                    for (int64_t z = 0; z < sides[0].cells; ++z)
                        for (int64_t y = 0; y < sides[1].cells; ++y) {
                            const int64_t cz = (first[0] + z) * lattices_[0].step + r0;
                            const int64_t cy = (first[1] + y) * lattices_[1].step + r1;
                            const int64_t step = lattices_[2].step, width = lattices_[2].input, cells = sides[2].cells;
                            if (cz < 0 || cz >= lattices_[0].input || cy < 0 || cy >= lattices_[1].input) {
                                nothing(cells);
                                continue;
                            }
                            const int64_t cx = first[2] * step + r2;
                            const int64_t begin = std::clamp<int64_t>(ceil_div(-cx, step), 0, cells);
                            const int64_t end = std::clamp<int64_t>(floor_div(width - 1 - cx, step) + 1, begin, cells);
                            const Number* row = input + (((job.image + n) * lattices_[0].input + cz) * lattices_[1].input + cy) *
                                                          width * depth_;
                            nothing(begin);
                            if (padded > depth_) zero(to, (end - begin) * padded);
                            const bool whole = step == 1 && padded == depth_;
                            lay_runs(row + (cx + begin * step) * depth_, step * depth_, whole ? 1 : end - begin,
                                     whole ? (end - begin) * depth_ : depth_, to, padded);
                            to.at += (end - begin) * padded;
                            nothing(cells - end);
                        }
                to.at += (layout_.images - job.images) * cells_of(sides) * padded;
            }
}

// Where a job's window begins in an input that lies so; null where idle rows would be read from beyond its end.
const Half* HalfGather::read_in_place(const Job& job, const Half* input) const {
    if (!layout_.in_place) return nullptr;
    int64_t first = job.image, all = problem_.batch;
    for (int i = 0; i < 3; ++i) {
        first = first * lattices_[i].input + (i == layout_.band_axis ? job.from + layout_.sides[i].least : 0);
        all *= lattices_[i].input;
    }
    return first + layout_.cells() + kBlock <= all ? input + first * depth_ : nullptr;
}

// The rows of a job's points: the cells under their taps side by side, zeros where a tap reaches beyond the input.
template <typename Number>
void HalfGather::lay_rows(const Job& job, const Number* input, const Laid& to) const {
    const Pass& pass = layout_.passes[job.pass];
    const auto& [s0, s1, s2] = pass.segments;
    const std::array<int64_t, 3> sizes{lattices_[0].input, lattices_[1].input, lattices_[2].input};
    const Tap* const taps2 = lattices_[2].taps(*s2);
    const int64_t step2 = lattices_[2].step, used = static_cast<int64_t>(pass.taps.size()) * depth_;
    bool one_run = true;
    for (int64_t t = 1; t < s2->taps; ++t) one_run = one_run && taps2[t].shift == taps2[t - 1].shift + 1;
    const int64_t length = one_run ? s2->taps : 1;  // taps of a run
    const auto nothing = [&](Half* from, int64_t count, int64_t numbers) {
        for (int64_t i = 0; i < count; ++i) zero({from + i * pass.depth, to.apart}, numbers);
    };
    Half* begins = to.at;
    for (const auto& [image, z, y, x, count] : lines_of(pass.counts(), job.from, job.to)) {
        Half* out = begins;
        begins += count * pass.depth;
        if (used < pass.depth) zero({out, to.apart}, count * pass.depth);
        for (int64_t t0 = 0; t0 < s0->taps; ++t0)
            for (int64_t t1 = 0; t1 < s1->taps; ++t1) {
                const int64_t cz = (s0->first + z) * lattices_[0].step + lattices_[0].taps(*s0)[t0].shift;
                const int64_t cy = (s1->first + y) * lattices_[1].step + lattices_[1].taps(*s1)[t1].shift;
                const bool inside = cz >= 0 && cz < sizes[0] && cy >= 0 && cy < sizes[1];
                const Number* row = input + ((image * sizes[0] + cz) * sizes[1] + cy) * sizes[2] * depth_;
                for (int64_t t2 = 0; t2 < s2->taps; t2 += length, out += length * depth_) {
                    if (!inside) {
                        nothing(out, count, length * depth_);
                        continue;
                    }
                    // Points of which the whole run lies inside; those before and after them go cell by cell.
                    const int64_t first = (s2->first + x) * step2 + taps2[t2].shift;
                    const int64_t begin = std::clamp<int64_t>(ceil_div(-first, step2), 0, count);
                    const int64_t end = std::clamp<int64_t>(floor_div(sizes[2] - first - length, step2) + 1, begin, count);
                    lay_runs(row + (first + begin * step2) * depth_, step2 * depth_, end - begin, length * depth_,
                             {out + begin * pass.depth, to.apart}, pass.depth);
                    for (int64_t i = begin ? 0 : end; i < count; i = i + 1 == begin ? end : i + 1)
                        for (int64_t t = 0; t < length; ++t) {
                            const int64_t cell = first + i * step2 + t;
                            const Laid there{out + i * pass.depth + t * depth_, to.apart};
                            if (cell >= 0 && cell < sizes[2]) lay_runs(row + cell * depth_, 0, 1, depth_, there, 0);
                            else zero(there, depth_);
                        }
                }
            }
    }
}

template void HalfGather::lay_window(const Job& job, const Half* input, Laid to) const;
template void HalfGather::lay_window(const Job& job, const float* input, Laid to) const;
template void HalfGather::lay_rows(const Job& job, const Half* input, const Laid& to) const;
template void HalfGather::lay_rows(const Job& job, const float* input, const Laid& to) const;

// The weights of 16 lanes as pairs along the depth.
void HalfGather::lay_strip(const Pass& pass, int64_t strip, const HalfView& kernel, Half* out) const {
    const int64_t lane0 = strip * kStrip, lanes = std::min(kStrip, lanes_ - lane0), line = 2 * kStrip;
    const int64_t used = static_cast<int64_t>(pass.taps.size()) * pass.numbers;
    if (lanes < kStrip || used < pass.depth || pass.numbers > depth_)
        std::memset(out, 0, this->strip(pass) * sizeof(Half));
    if (depth_ % 2) {
        for (size_t t = 0; t < pass.taps.size(); ++t)
            for (int64_t c = 0; c < depth_; ++c)
                for (int64_t n = 0; n < lanes; ++n) {
                    const int64_t k = static_cast<int64_t>(t) * pass.numbers + c;
                    out[k / 2 * line + 2 * n + k % 2] = transposed_ ? *kernel.at(pass.taps[t], lane0 + n, c)
                                                                    : *kernel.at(pass.taps[t], c, lane0 + n);
                }
        return;
    }
    for (const int64_t tap : pass.taps) {  // pairs of channels are words that change their rows for columns
        kernels().turn(reinterpret_cast<const float*>(kernel.at(tap, lane0, 0)), kernel.per_row / 2, lanes, depth_ / 2,
                       reinterpret_cast<float*>(out), kStrip);
        out += pass.numbers / 2 * line;
    }
}

void HalfGather::lay_strips(const Pass& pass, int64_t first, int64_t count, const HalfView& kernel, Half* out) const {
    if (transposed_ || depth_ % 2) {
        for (int64_t i = 0; i < count; ++i) lay_strip(pass, first + i, kernel, out + i * strip(pass));
        return;
    }
    // A convolution's kernel has the lanes innermost: its rows are read in order and dealt out to the strips.
    const int64_t lane0 = first * kStrip, lanes = std::min(count * kStrip, lanes_ - lane0);
    const int64_t used = static_cast<int64_t>(pass.taps.size()) * pass.numbers;
    if (used < pass.depth || pass.numbers > depth_) std::memset(out, 0, count * strip(pass) * sizeof(Half));
    for (const int64_t tap : pass.taps) {
        for (int64_t c = 0; c < depth_; c += 2)
            kernels().pair(kernel.at(tap, c, lane0), kernel.at(tap, c + 1, lane0), lanes, out + c * kStrip, strip(pass));
        out += pass.numbers * kStrip;
    }
}

void HalfGather::lay_all_strips(const HalfView& kernel, Half* out) const {
    const int64_t parts = std::min<int64_t>(strips_, 2 * threads()), each = ceil_div(strips_, parts);
    parallel_for(static_cast<int64_t>(layout_.passes.size()) * parts, [&](int64_t i) {
        const Pass& pass = layout_.passes[i / parts];
        const int64_t first = i % parts * each, count = std::min(each, strips_ - first);
        if (count > 0) lay_strips(pass, first, count, kernel, out + pass.strips_at + first * strip(pass));
    });
}

}  // namespace tconv
