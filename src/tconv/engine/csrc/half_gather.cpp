#include "half_gather.h"

#include <algorithm>
#include <cstring>

#include "half_scratch.h"
#include "kernels.h"
#include "pool.h"

namespace tconv {

// The cells that a job's points see, those of each residue by themselves, with zeros around the input.
void HalfGather::lay_window(const Job& job, const Half* input, Half* window) const {
    const auto& sides = layout_.sides;
    const int64_t padded = layout_.padded;
    std::array<int64_t, 3> first;                   // cells before the step
    for (int i = 0; i < 3; ++i) first[i] = (i == layout_.band_axis ? job.from : sides[i].begin) + sides[i].least;
    const auto zero = [&](int64_t cells, Half*& out) {
        std::memset(out, 0, cells * padded * sizeof(Half));
        out += cells * padded;
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
                                zero(cells, window);
                                continue;
                            }
                            const int64_t cx = first[2] * step + r2;
                            const int64_t begin = std::clamp<int64_t>(ceil_div(-cx, step), 0, cells);
                            const int64_t end = std::clamp<int64_t>(floor_div(width - 1 - cx, step) + 1, begin, cells);
                            const Half* row = input + (((job.image + n) * lattices_[0].input + cz) * lattices_[1].input + cy) *
                                                          width * depth_;
                            zero(begin, window);
                            if (padded > depth_) std::memset(window, 0, (end - begin) * padded * sizeof(Half));
                            const bool whole = step == 1 && padded == depth_;
                            kernels().copy_runs(row + (cx + begin * step) * depth_, step * depth_, whole ? 1 : end - begin,
                                                whole ? (end - begin) * depth_ : depth_, window, padded);
                            window += (end - begin) * padded;
                            zero(cells - end, window);
                        }
                window += (layout_.images - job.images) * sides[0].cells * sides[1].cells * sides[2].cells * padded;
            }
}

// The rows of a job's points: the cells under their taps side by side, zeros where a tap reaches beyond the input.
void HalfGather::lay_rows(const Job& job, const Half* input, Half* rows) const {
    const Pass& pass = layout_.passes[job.pass];
    const auto& [s0, s1, s2] = pass.segments;
    const std::array<int64_t, 3> sizes{lattices_[0].input, lattices_[1].input, lattices_[2].input};
    const Tap* const taps2 = lattices_[2].taps(*s2);
    const int64_t step2 = lattices_[2].step, numbers = static_cast<int64_t>(pass.taps.size()) * depth_;
    bool one_run = true;
    for (int64_t t = 1; t < s2->taps; ++t) one_run = one_run && taps2[t].shift == taps2[t - 1].shift + 1;
    const int64_t length = one_run ? s2->taps : 1;  // taps of a run
    for (int64_t m = job.from; m < job.to;) {
        const int64_t x = m % s2->count, line = m / s2->count, y = line % s1->count, plane = line / s1->count;
        const int64_t z = plane % s0->count, image = plane / s0->count;
        const int64_t count = std::min(s2->count - x, job.to - m);
        Half* out = rows + (m - job.from) * pass.depth;
        for (int64_t t0 = 0; t0 < s0->taps; ++t0)
            for (int64_t t1 = 0; t1 < s1->taps; ++t1) {
                const int64_t cz = (s0->first + z) * lattices_[0].step + lattices_[0].taps(*s0)[t0].shift;
                const int64_t cy = (s1->first + y) * lattices_[1].step + lattices_[1].taps(*s1)[t1].shift;
                const bool inside = cz >= 0 && cz < sizes[0] && cy >= 0 && cy < sizes[1];
                const Half* row = input + ((image * sizes[0] + cz) * sizes[1] + cy) * sizes[2] * depth_;
                for (int64_t t2 = 0; t2 < s2->taps; t2 += length, out += length * depth_) {
                    // Points of which the whole run lies inside; the others go cell by cell.
                    const int64_t first = (s2->first + x) * step2 + taps2[t2].shift, last = first + length - 1;
                    const int64_t begin = std::clamp<int64_t>(ceil_div(-first, step2), 0, count);
                    const int64_t end = std::clamp<int64_t>(floor_div(sizes[2] - 1 - last, step2) + 1, begin, count);
                    if (!inside || begin == end) {
                        if (!inside) {
                            for (int64_t i = 0; i < count; ++i)
                                std::memset(out + i * pass.depth, 0, length * depth_ * sizeof(Half));
                            continue;
                        }
                    } else {
                        kernels().copy_runs(row + (first + begin * step2) * depth_, step2 * depth_, end - begin,
                                            length * depth_, out + begin * pass.depth, pass.depth);
                    }
                    for (int64_t i = 0; i < count; ++i) {
                        if (i == begin && end > begin) i = end;
                        if (i >= count) break;
                        for (int64_t t = 0; t < length; ++t) {
                            const int64_t cell = first + i * step2 + t;
                            Half* to = out + i * pass.depth + t * depth_;
                            if (cell >= 0 && cell < sizes[2]) std::memcpy(to, row + cell * depth_, depth_ * sizeof(Half));
                            else std::memset(to, 0, depth_ * sizeof(Half));
                        }
                    }
                }
            }
        out = rows + (m - job.from) * pass.depth + numbers;
        if (pass.depth > numbers)
            for (int64_t i = 0; i < count; ++i) std::memset(out + i * pass.depth, 0, (pass.depth - numbers) * sizeof(Half));
        m += count;
    }
}

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

// `count` rows times a panel of two strips, to where each row's result goes.
void HalfGather::multiply(const Pass& pass, int64_t panel, const Half* rows, int64_t row_step, int64_t count,
                          const Half* strips, const Weights& weights, Half* const* outs) const {
    alignas(64) float sums[kBlock * kBlock];
    const int64_t wide = std::min<int64_t>(2, strips_ - 2 * panel);
    for (int64_t m = 0; m < count; m += kBlock) {
        const int64_t left = count - m;
        half_kernels().product({rows + m * row_step, row_step, pass.runs.data(), static_cast<int64_t>(pass.runs.size()),
                                strips, strip(pass), sums, kBlock, true, static_cast<int>(left > kStrip ? kBlock : kStrip),
                                static_cast<int>(wide)});
        finish(panel, sums, kBlock, std::min(left, kBlock), weights, outs + m);
    }
}

void HalfGather::finish(int64_t panel, const float* sums, int64_t pitch, int64_t count, const Weights& weights,
                        Half* const* outs) const {
    const int64_t lane = panel * kBlock;
    kernels().round_rows({sums, pitch, count, std::min(kBlock, lanes_ - lane), weights.bias ? weights.bias + lane : nullptr,
                          weights.finish.activation, weights.finish.slope, outs, lane});
}

// Fewer rows than a strip has lanes change places with the kernel: its rows are read as they lie.
void HalfGather::multiply_turned(const Job& job, int64_t step, const Half* rows, const Weights& weights,
                                 Half* const* outs) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from, used = static_cast<int64_t>(pass.taps.size()) * depth_;
    const HalfScratch strip(used * kStrip);
    std::vector<HalfRun> runs;
    for (const int64_t tap : pass.taps) runs.push_back({tap * weights.kernel.per_tap, depth_});
    if (points < kStrip) std::memset(strip.data(), 0, used * kStrip * sizeof(Half));
    kernels().turn(reinterpret_cast<const float*>(rows), pass.depth / 2, points, used / 2,
                   reinterpret_cast<float*>(strip.data()), kStrip);
    alignas(64) float sums[kStrip * kStrip], turned[kStrip * kBlock];
    half_kernels().begin(step);
    for (int64_t s = 2 * job.panel; s < std::min(2 * (job.panel + job.panels), strips_); ++s) {
        half_kernels().product({weights.kernel.at(0, s * kStrip, 0), weights.kernel.per_row, runs.data(),
                                static_cast<int64_t>(runs.size()), strip.data(), 0, sums, kStrip, true, kStrip, 1});
        kernels().turn(sums, kStrip, kStrip, kStrip, turned + s % 2 * kStrip, kBlock);
        if (s % 2 || s + 1 == strips_) finish(s / 2, turned, kBlock, points, weights, outs);
    }
}

// Few rows times a kernel that no other job needs: it is read once, laid out in parts that stay in the caches.
void HalfGather::multiply_kernel(const Job& job, const Half* rows, const Weights& weights, Half* const* outs) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from, first = 2 * job.panel, count = std::min(2 * job.panels, strips_ - first);
    constexpr int64_t kFew = 2 * kBlock, kDeep = 4 * kDeepest;
    int64_t steps = ceil_div(depth_, kDeepest);
    while (steps < depth_ && depth_ % (2 * steps)) ++steps;
    if (transposed_ && points <= kStrip && lanes_ % kStrip == 0 && depth_ / steps >= kDeepest / 2)
        return multiply_turned(job, depth_ / steps, rows, weights, outs);
    half_kernels().begin(pass.step);
    if (transposed_ || depth_ % 2 || points > kFew) {
        const HalfScratch own(2 * strip(pass));
        for (int64_t panel = job.panel; panel < job.panel + job.panels; ++panel) {
            lay_strips(pass, 2 * panel, std::min<int64_t>(2, strips_ - 2 * panel), weights.kernel, own.data());
            multiply(pass, panel, rows, pass.depth, points, own.data(), weights, outs);
        }
        return;
    }
    // A convolution's kernel has the lanes innermost: it goes row by row into sums of all lanes.
    const int64_t pitch = ceil_div(count, 2) * kBlock, used = static_cast<int64_t>(pass.taps.size()) * depth_;
    const int64_t deep = kDeep / pass.step * pass.step;
    const HalfScratch own(deep * count * kStrip);
    const Scratch sums(ceil_div(points, kBlock) * kBlock * pitch);
    for (int64_t k = 0; k < pass.depth; k += deep) {
        const int64_t here = std::min(deep, pass.depth - k);
        for (int64_t i = 0; i < here; i += 2) {
            Half* line = own.data() + i * kStrip;
            if (k + i < used) {
                const int64_t tap = pass.taps[(k + i) / depth_], c = (k + i) % depth_;
                kernels().pair(weights.kernel.at(tap, c, first * kStrip), weights.kernel.at(tap, c + 1, first * kStrip),
                               std::min(count * kStrip, lanes_ - first * kStrip), line, here * kStrip);
            } else {
                for (int64_t s = 0; s < count; ++s) std::memset(line + s * here * kStrip, 0, 2 * kStrip * sizeof(Half));
            }
        }
        const HalfRun run{k, here};
        for (int64_t m = 0; m < points; m += kBlock)
            for (int64_t s = 0; s < count; s += 2)
                half_kernels().product({rows + m * pass.depth, pass.depth, &run, 1, own.data() + s * here * kStrip,
                                        here * kStrip, sums.data() + m * pitch + s * kStrip, pitch, k == 0,
                                        static_cast<int>(points - m > kStrip ? kBlock : kStrip),
                                        static_cast<int>(std::min<int64_t>(2, count - s))});
    }
    for (int64_t m = 0; m < points; m += kBlock)
        for (int64_t panel = 0; panel < job.panels; ++panel)
            finish(job.panel + panel, sums.data() + m * pitch + panel * kBlock, pitch, std::min(kBlock, points - m), weights,
                   outs + m);
}

void HalfGather::compute_window(const Job& job, const Half* input, const Weights& weights, Half* output) const {
    const auto& sides = layout_.sides;
    const int64_t line = sides[2].cells, plane = sides[1].cells * line, padded = layout_.padded;
    const HalfScratch window((layout_.cells() * layout_.residues() + kBlock) * padded);
    lay_window(job, input, window.data());
    half_kernels().begin(layout_.passes[0].step);
    std::vector<Half*> outs;
    for (const Pass& pass : layout_.passes) {
        std::array<int64_t, 3> from, count, origin;  // points of this pass in the job, and the window's first
        for (int i = 0; i < 3; ++i) {
            const Segment& s = *pass.segments[i];
            const bool banded = i == layout_.band_axis;
            from[i] = banded ? std::max(s.first, job.from) : s.first;
            count[i] = (banded ? std::min(s.first + s.count, job.to) : s.first + s.count) - from[i];
            origin[i] = banded ? job.from : sides[i].begin;
        }
        if (count[0] < 1 || count[1] < 1 || count[2] < 1) continue;
        const int64_t rows = (count[1] - 1) * line + count[2], planes = job.images * count[0];
        const auto place = [&](int axis, int64_t q) {
            const Segment& s = *pass.segments[axis];
            return s.out + (q - s.first) * s.step;
        };
        outs.assign(planes * rows, nullptr);
        for (int64_t i = 0; i < planes; ++i)
            for (int64_t y = 0; y < count[1]; ++y) {
                const int64_t image = job.image + i / count[0], z = place(0, from[0] + i % count[0]);
                Half* to = output + (((image * lattices_[0].output + z) * lattices_[1].output + place(1, from[1] + y)) *
                                         lattices_[2].output + place(2, from[2])) * lanes_;
                for (int64_t x = 0; x < count[2]; ++x)
                    outs[i * rows + y * line + x] = to + x * pass.segments[2]->step * lanes_;
            }
        const Half* strips = weights.strips + pass.strips_at + 2 * job.panel * strip(pass);
        for (int64_t panel = job.panel; panel < job.panel + job.panels; ++panel, strips += 2 * strip(pass)) {
            for (int64_t i = 0; i < planes; ++i) {
                const int64_t cell = (i / count[0] * sides[0].cells + from[0] - origin[0] + i % count[0]) * plane +
                                     (from[1] - origin[1]) * line + from[2] - origin[2];
                multiply(pass, panel, window.data() + cell * padded, padded, rows, strips, weights, outs.data() + i * rows);
            }
        }
    }
    half_kernels().end();
}

void HalfGather::compute_rows(const Job& job, const Half* input, const Weights& weights, Half* output) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from;
    const HalfScratch rows(ceil_div(points, kBlock) * kBlock * pass.depth);
    lay_rows(job, input, rows.data());
    std::vector<Half*> outs;
    outs.reserve(points);
    for (int64_t m = job.from; m < job.to; ++m) {
        int64_t rest = m, cell = 0, apart = 1;
        for (int i = 2; i >= 0; --i) {
            const Segment& s = *pass.segments[i];
            cell += (s.out + rest % s.count * s.step) * apart;
            rest /= s.count, apart *= lattices_[i].output;
        }
        outs.push_back(output + (rest * apart + cell) * lanes_);
    }
    if (layout_.packs_within) {
        multiply_kernel(job, rows.data(), weights, outs.data());
    } else {
        half_kernels().begin(pass.step);
        const Half* strips = weights.strips + pass.strips_at + 2 * job.panel * strip(pass);
        for (int64_t panel = job.panel; panel < job.panel + job.panels; ++panel, strips += 2 * strip(pass))
            multiply(pass, panel, rows.data(), pass.depth, points, strips, weights, outs.data());
    }
    half_kernels().end();
}

void HalfGather::run(const Half* input, const HalfView& kernel, Half* output, const Finish& finish) const {
    const Scratch bias(finish.bias ? strips_ * kStrip + kBlock : 0);
    if (finish.bias) {
        std::copy_n(finish.bias, lanes_, bias.data());
        std::fill(bias.data() + lanes_, bias.data() + strips_ * kStrip + kBlock, 0.0f);
    }
    const HalfScratch strips(layout_.packs_within ? 0 : layout_.packed);
    const int64_t parts = std::min<int64_t>(strips_, 2 * threads()), each = ceil_div(strips_, parts);
    if (!layout_.packs_within)
        parallel_for(static_cast<int64_t>(layout_.passes.size()) * parts, [&](int64_t i) {
            const Pass& pass = layout_.passes[i / parts];
            const int64_t first = i % parts * each, count = std::min(each, strips_ - first);
            if (count > 0) lay_strips(pass, first, count, kernel, strips.data() + pass.strips_at + first * strip(pass));
        });
    const Weights weights{kernel, layout_.packs_within ? nullptr : strips.data(), finish.bias ? bias.data() : nullptr, finish};
    parallel_for(static_cast<int64_t>(layout_.jobs.size()), [&](int64_t i) {
        if (layout_.windows) compute_window(layout_.jobs[i], input, weights, output);
        else compute_rows(layout_.jobs[i], input, weights, output);
    });
}

}  // namespace tconv
