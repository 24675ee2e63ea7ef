#include "half_gather.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "caches.h"
#include "half_scratch.h"
#include "kernels.h"
#include "lines.h"
#include "pool.h"
#include "streaming.h"

namespace tconv {

namespace {

void finish_rows(const FinishedRows<Half>& rows) { kernels().round_rows(rows); }
void finish_rows(const FinishedRows<float>& rows) { kernels().finish_rows(rows); }

// Memory that will be written is fetched while the products are made.
template <typename Number>
void expect(Number* const* outs, int64_t count, int64_t to, int64_t lanes) {
    constexpr int64_t kNumbers = kLine / static_cast<int64_t>(sizeof(Number));
    for (int64_t i = 0; i < count; ++i)
        if (outs[i])
            for (int64_t n = 0; n < lanes; n += kNumbers) __builtin_prefetch(outs[i] + to + n, 1);
}

// And so is what will be read, where nothing that copies it has been there before.
void fetch(const Half* numbers, int64_t count) {
    constexpr int64_t kNumbers = kLine / static_cast<int64_t>(sizeof(Half));
    for (int64_t i = 0; i < count; i += kNumbers) __builtin_prefetch(numbers + i, 0, 2);
}

}  // namespace

// `count` rows times a panel of two strips, to where each row's result goes.
template <typename Out>
void HalfGather::multiply(const Pass& pass, int64_t panel, const Laid& rows, int64_t row_step, int64_t count,
                          const Half* strips, const Weights& weights, Out* const* outs) const {
    alignas(64) float sums[kBlock * kBlock], others[kBlock * kBlock];
    const int64_t wide = std::min<int64_t>(2, strips_ - 2 * panel);
    const bool first = layout_.in_place && panel == 0 && &pass == layout_.passes.data() && !pass.runs.empty();
    const auto product = parts_ == 1 ? half_kernels().product : half_kernels().parts_product;
    for (int64_t m = 0; m < count; m += kBlock) {
        const int64_t left = count - m;
        const int64_t lane = panel * kBlock;
        if (first) fetch(rows.at + (m + 3 * kBlock) * row_step + pass.runs.back().at, kBlock * row_step);
        if (!weights.streams) expect(outs + m, std::min(left, kBlock), lane, std::min(kBlock, lanes_ - lane));
        Product job{rows.at + m * row_step, row_step, pass.runs.data(), 0, strips, strip(pass), sums, kBlock, true,
                    static_cast<int>(left > kStrip ? kBlock : kStrip), static_cast<int>(wide), rows.apart, strips_apart()};
        for (const int64_t count_of : pass.sums) {
            job.count = count_of;
            product(job);
            if (job.sums == others)
                for (int64_t i = 0; i < job.rows * kBlock; ++i) sums[i] += others[i];
            job.sums = others;
            for (const HalfRun* end = job.runs + job.count; job.runs < end; ++job.runs) job.b += job.runs->depth * kStrip;
        }
        finish(panel, sums, kBlock, std::min(left, kBlock), weights, outs + m);
    }
}

template <typename Out>
void HalfGather::finish(int64_t panel, const float* sums, int64_t pitch, int64_t count, const Weights& weights,
                        Out* const* outs) const {
    const int64_t lane = panel * kBlock;
    finish_rows(FinishedRows<Out>{sums, pitch, count, std::min(kBlock, lanes_ - lane),
                                  weights.bias ? weights.bias + lane : nullptr, weights.finish.activation,
                                  weights.finish.slope, outs, lane, weights.streams});
}

// Fewer rows than a strip has lanes change places with the kernel: its rows are read as they lie.
template <typename Out>
void HalfGather::multiply_turned(const Job& job, int64_t step, const Half* rows, const Weights& weights,
                                 Out* const* outs) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from, used = static_cast<int64_t>(pass.taps.size()) * depth_;
    const HalfScratch strip(used * kStrip);
    std::vector<HalfRun> runs;
    const HalfView& kernel = *weights.kernel;
    for (const int64_t tap : pass.taps) runs.push_back({tap * kernel.per_tap, depth_});
    if (points < kStrip) std::memset(strip.data(), 0, used * kStrip * sizeof(Half));
    kernels().turn(reinterpret_cast<const float*>(rows), pass.depth / 2, points, used / 2,
                   reinterpret_cast<float*>(strip.data()), kStrip);
    alignas(64) float sums[kStrip * kStrip], turned[kStrip * kBlock];
    half_kernels().begin(step);
    for (int64_t s = 2 * job.panel; s < std::min(2 * (job.panel + job.panels), strips_); ++s) {
        half_kernels().product({kernel.at(0, s * kStrip, 0), kernel.per_row, runs.data(),
                                static_cast<int64_t>(runs.size()), strip.data(), 0, sums, kStrip, true, kStrip, 1});
        kernels().turn(sums, kStrip, kStrip, kStrip, turned + s % 2 * kStrip, kBlock);
        if (s % 2 || s + 1 == strips_) finish(s / 2, turned, kBlock, points, weights, outs);
    }
}

// Few rows times a kernel that no other job needs: it is read once, laid out in parts that stay in the caches.
template <typename Out>
void HalfGather::multiply_kernel(const Job& job, const Half* rows, const Weights& weights, Out* const* outs) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from;
    constexpr int64_t kFew = 2 * kBlock;
    int64_t steps = ceil_div(depth_, kDeepest);
    while (steps < depth_ && depth_ % (2 * steps)) ++steps;
    if (transposed_ && points <= kStrip && lanes_ % kStrip == 0 && depth_ / steps >= kDeepest / 2)
        return multiply_turned(job, depth_ / steps, rows, weights, outs);
    half_kernels().begin(pass.step);
    if (transposed_ || depth_ % 2 || points > kFew) {
        const HalfScratch own(2 * strip(pass));
        for (int64_t panel = job.panel; panel < job.panel + job.panels; ++panel) {
            lay_strips(pass, 2 * panel, std::min<int64_t>(2, strips_ - 2 * panel), *weights.kernel, own.data());
            multiply(pass, panel, {const_cast<Half*>(rows), 0}, pass.depth, points, own.data(), weights, outs);
        }
        return;
    }
    constexpr int64_t kWide = 32;  // panels: what is laid out and summed at a time stays in the caches
    for (Job some = job; some.panel < job.panel + job.panels; some.panel += kWide) {
        some.panels = std::min(kWide, job.panel + job.panels - some.panel);
        multiply_lines(some, rows, weights, outs);
    }
}

// A convolution's kernel has the lanes innermost: it goes row by row into sums of all lanes.
template <typename Out>
void HalfGather::multiply_lines(const Job& job, const Half* rows, const Weights& weights, Out* const* outs) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from, first = 2 * job.panel, count = std::min(2 * job.panels, strips_ - first);
    const int64_t pitch = ceil_div(count, 2) * kBlock, used = static_cast<int64_t>(pass.taps.size()) * depth_;
    constexpr int64_t kDeep = 4 * kDeepest;
    const int64_t deep = kDeep / pass.step * pass.step;
    const HalfScratch own(deep * count * kStrip);
    const Scratch sums(ceil_div(points, kBlock) * kBlock * pitch);
    for (int64_t k = 0; k < pass.depth; k += deep) {
        const int64_t here = std::min(deep, pass.depth - k);
        for (int64_t i = 0; i < here; i += 2) {
            Half* line = own.data() + i * kStrip;
            if (k + i < used) {
                const int64_t tap = pass.taps[(k + i) / depth_], c = (k + i) % depth_;
                kernels().pair(weights.kernel->at(tap, c, first * kStrip), weights.kernel->at(tap, c + 1, first * kStrip),
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

template <typename In, typename Out>
void HalfGather::compute_window(const Job& job, const In* input, const Weights& weights, Out* output) const {
    const auto& sides = layout_.sides;
    const int64_t line = sides[2].cells, plane = sides[1].cells * line, padded = layout_.padded;
    const int64_t apart = spread((layout_.cells() * residues_of(layout_.sides) + kBlock) * padded);
    const Half* const lies = read_in_place(job, input);
    const HalfScratch room(lies ? 0 : parts_ * apart);
    const Laid window{lies ? const_cast<Half*>(lies) : room.data(), apart};
    if (!lies) lay_window(job, input, window);
    half_kernels().begin(layout_.passes[0].step);
    const auto points = [&](int axis) {
        return axis == layout_.band_axis ? job.to - job.from : sides[axis].end - sides[axis].begin;
    };
    const ScratchFor<Out*> outs(job.images * points(0) * points(1) * line);
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
        std::fill_n(outs.data(), planes * rows, nullptr);
        for (int64_t i = 0; i < planes; ++i)
            for (int64_t y = 0; y < count[1]; ++y) {
                const int64_t image = job.image + i / count[0], z = place(0, from[0] + i % count[0]);
                Out* to = output + (((image * lattices_[0].output + z) * lattices_[1].output + place(1, from[1] + y)) *
                                      lattices_[2].output + place(2, from[2])) * lanes_;
                Out** at = outs.data() + i * rows + y * line;
                for (int64_t x = 0; x < count[2]; ++x) at[x] = to + x * pass.segments[2]->step * lanes_;
            }
        const Half* strips = weights.strips + pass.strips_at + 2 * job.panel * strip(pass);
        for (int64_t panel = job.panel; panel < job.panel + job.panels; ++panel, strips += 2 * strip(pass)) {
            for (int64_t i = 0; i < planes; ++i) {
                const int64_t cell = (i / count[0] * sides[0].cells + from[0] - origin[0] + i % count[0]) * plane +
                                     (from[1] - origin[1]) * line + from[2] - origin[2];
                multiply(pass, panel, {window.at + cell * padded, apart}, padded, rows, strips, weights,
                         outs.data() + i * rows);
            }
        }
    }
    half_kernels().end();
}

template <typename In, typename Out>
void HalfGather::compute_rows(const Job& job, const In* input, const Weights& weights, Out* output) const {
    const Pass& pass = layout_.passes[job.pass];
    const int64_t points = job.to - job.from, apart = spread(ceil_div(points, kBlock) * kBlock * pass.depth);
    const HalfScratch room(parts_ * apart);
    const Laid rows{room.data(), apart};
    lay_rows(job, input, rows);
    const ScratchFor<Out*> outs(points);
    Out** next = outs.data();
    const int64_t step = pass.segments[2]->step * lanes_;
    for (const auto& [image, z, y, x, count] : lines_of(pass.counts(), job.from, job.to)) {
        const auto place = [&](int axis, int64_t q) { return pass.segments[axis]->out + q * pass.segments[axis]->step; };
        Out* out = output + (((image * lattices_[0].output + place(0, z)) * lattices_[1].output + place(1, y)) *
                                 lattices_[2].output + place(2, x)) * lanes_;
        for (int64_t i = 0; i < count; ++i) next[i] = out + i * step;
        next += count;
    }
    if (layout_.packs_within) {
        if constexpr (std::is_same_v<In, Half>) multiply_kernel(job, rows.at, weights, outs.data());
    } else {
        half_kernels().begin(pass.step);
        const Half* strips = weights.strips + pass.strips_at + 2 * job.panel * strip(pass);
        for (int64_t panel = job.panel; panel < job.panel + job.panels; ++panel, strips += 2 * strip(pass))
            multiply(pass, panel, rows, pass.depth, points, strips, weights, outs.data());
    }
    half_kernels().end();
}

template <typename In, typename Out>
void HalfGather::compute(const In* input, const HalfView* kernel, const Half* strips, Out* output,
                         const Finish& finish) const {
    const Scratch bias(finish.bias ? strips_ * kStrip + kBlock : 0);
    if (finish.bias) {
        std::copy_n(finish.bias, lanes_, bias.data());
        std::fill(bias.data() + lanes_, bias.data() + strips_ * kStrip + kBlock, 0.0f);
    }
    const int64_t cells = transposed_ ? problem_.fine_cells() : problem_.coarse_cells();
    constexpr int64_t kNumbers = kLine / static_cast<int64_t>(sizeof(Out));
    const bool lines = lanes_ % kNumbers == 0 && reinterpret_cast<uintptr_t>(output) % kLine == 0;
    const int64_t bytes = problem_.batch * cells * lanes_ * static_cast<int64_t>(sizeof(Out));
    const bool streams = lines && bytes >= streams_from();
    const Weights weights{kernel, strips, finish.bias ? bias.data() : nullptr, finish, streams};
    parallel_for(static_cast<int64_t>(layout_.jobs.size()), [&](int64_t i) {
        if (layout_.windows) compute_window(layout_.jobs[i], input, weights, output);
        else compute_rows(layout_.jobs[i], input, weights, output);
        if (streams) settle();
    });
}

template <typename Out>
void HalfGather::run(const Half* input, const HalfView& kernel, Out* output, const Finish& finish) const {
    const HalfScratch strips(layout_.packs_within ? 0 : layout_.packed);
    if (!layout_.packs_within) lay_all_strips(kernel, strips.data());
    compute(input, &kernel, layout_.packs_within ? nullptr : strips.data(), output, finish);
}

template void HalfGather::run(const Half* input, const HalfView& kernel, Half* output, const Finish& finish) const;
template void HalfGather::run(const Half* input, const HalfView& kernel, float* output, const Finish& finish) const;

void HalfGather::run(const float* input, const Half* strips, float* output, const Finish& finish) const {
    compute(input, nullptr, strips, output, finish);
}

void HalfGather::pack(const std::array<HalfView, kParts>& kernel, Half* strips) const {
    for (const HalfView& part : kernel) lay_all_strips(part, strips), strips += strips_apart();
}

}  // namespace tconv
