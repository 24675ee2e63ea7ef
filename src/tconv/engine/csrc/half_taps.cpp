#include "half_taps.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "half_scratch.h"
#include "kernels.h"
#include "lines.h"
#include "pool.h"

namespace tconv {

HalfTaps::HalfTaps(const Problem& problem, bool few_fine)
    : problem_(problem), few_fine_(few_fine), few_(few_fine ? problem.fine_channels : problem.coarse_channels),
      many_(few_fine ? problem.coarse_channels : problem.fine_channels) {
    padded_rows_ = ceil_div(rows(), kStrip) * kStrip, padded_lanes_ = ceil_div(many_, kStrip) * kStrip;
    for (int i = 0; i < 3; ++i) {
        const Axis& axis = problem.axes[i];
        if (few_fine) sides_[i] = {axis.coarse, axis.fine, axis.stride, -axis.lo, axis.dilation};
        else sides_[i] = {axis.fine, axis.coarse, 1, axis.lo, -axis.dilation};
    }
}

bool HalfTaps::serves() const {
    constexpr int64_t kRows = 128, kSums = (int64_t{512} << 10) / 4;
    const auto single = [](const Axis& axis) { return axis.stride == 1; };
    return rows() <= kRows && sums() <= kSums &&
           (few_fine_ || std::all_of(problem_.axes.begin(), problem_.axes.end(), single));
}

double HalfTaps::work() const {
    constexpr double kPaired = 3, kCopied = 4, kSummed = 2;  // numbers in a cycle
    const bool side_by_side = few_ * sides_[2].step == 1;
    const double places = static_cast<double>(executed_places()), all = static_cast<double>(sums());
    return places * all / half_kernels().products + static_cast<double>(splits()) * all / kSummed +
           places * (static_cast<double>(padded_lanes_) / kPaired + static_cast<double>(rows()) / (side_by_side ? kCopied : 2));
}

PlanFacts HalfTaps::facts() const {
    PlanFacts facts;
    facts.form = "taps";
    facts.tile_rows = facts.tile_lanes = kBlock, facts.products = 1;
    facts.executed = executed_places() * sums();
    facts.copies = true, facts.blocks = splits();
    return facts;
}

// The rows of some places: for each tap and channel the cells that those places meet, zeros beyond the array.
void HalfTaps::lay_rows(int64_t from, int64_t to, const Half* few, Half* rows) const {
    const auto& [s0, s1, s2] = sides_;
    const int64_t step = s2.step * few_;
    for (const auto& [image, z, y, x, count] : lines_of({s0.places, s1.places, s2.places}, from, to)) {
        Half* out = rows;
        for (int64_t t0 = 0; t0 < problem_.axes[0].kernel; ++t0)
            for (int64_t t1 = 0; t1 < problem_.axes[1].kernel; ++t1) {
                const int64_t cz = z * s0.step + s0.shift + t0 * s0.dilation, cy = y * s1.step + s1.shift + t1 * s1.dilation;
                const bool inside = cz >= 0 && cz < s0.cells && cy >= 0 && cy < s1.cells;
                const Half* line = few + ((image * s0.cells + cz) * s1.cells + cy) * s2.cells * few_;
                for (int64_t t2 = 0; t2 < problem_.axes[2].kernel; ++t2) {
                    const int64_t first = x * s2.step + s2.shift + t2 * s2.dilation;
                    const int64_t begin = inside ? std::clamp<int64_t>(ceil_div(-first, s2.step), 0, count) : count;
                    const int64_t end = std::clamp<int64_t>(floor_div(s2.cells - 1 - first, s2.step) + 1, begin, count);
                    for (int64_t d = 0; d < few_; ++d, out += kRowStep) {
                        const Half* in = line + first * few_ + d;
                        if (begin > 0) std::memset(out, 0, begin * sizeof(Half));
                        if (step == 1) std::memcpy(out + begin, in + begin, (end - begin) * sizeof(Half));
                        else for (int64_t i = begin; i < end; ++i) out[i] = in[i * step];
                        if (end < count) std::memset(out + end, 0, (count - end) * sizeof(Half));
                    }
                }
            }
        rows += count;
    }
}

// The sums of a split's chunks of places.
bool HalfTaps::accumulate(int64_t split, const Half* many, const Half* few, float* sums) const {
    const HalfScratch rows(padded_rows_ * kRowStep), strips(kBlock * kPlaces), none(many_);
    std::memset(none.data(), 0, many_ * sizeof(Half));
    std::memset(rows.data(), 0, padded_rows_ * kRowStep * sizeof(Half));
    std::vector<const Half*> runs(kPlaces);
    const int64_t first = split * chunks() / splits(), end = (split + 1) * chunks() / splits();
    for (int64_t chunk = first; chunk < end; ++chunk) {
        const int64_t from = chunk * kPlaces, to = std::min(from + kPlaces, places());
        const int64_t depth = ceil_div(to - from, kDeepest) * kDeepest;
        lay_rows(from, to, few, rows.data());
        if (to - from < depth)
            for (int64_t row = 0; row < this->rows(); ++row)
                std::memset(rows.data() + row * kRowStep + to - from, 0, (depth - (to - from)) * sizeof(Half));
        for (int64_t i = 0; i < depth; ++i) runs[i] = from + i < to ? many + (from + i) * many_ : none.data();
        const HalfRun whole{0, depth};
        for (int64_t lane = 0; lane < padded_lanes_; lane += kBlock) {
            const int64_t wide = std::min(kBlock, padded_lanes_ - lane) / kStrip;
            for (int64_t i = 0; i < wide; ++i) {
                const int64_t at = lane + i * kStrip, count = std::min(kStrip, many_ - at);
                if (!kernels().pair_places(runs.data(), depth, at, count, strips.data() + i * kStrip * kPlaces)) return false;
            }
            for (int64_t row = 0; row < padded_rows_; row += kBlock)
                half_kernels().product({rows.data() + row * kRowStep, kRowStep, &whole, 1, strips.data(), kStrip * kPlaces,
                                        sums + row * padded_lanes_ + lane, padded_lanes_, chunk == first,
                                        static_cast<int>(std::min(kBlock, padded_rows_ - row)), static_cast<int>(wide)});
        }
    }
    return true;
}

bool HalfTaps::run(const Half* fine, const Half* coarse, const HalfView& kernel) const {
    // How the sums are cut does not depend on the number of threads, so neither does the result.
    const int64_t size = sums();
    const Scratch sums(splits() * size);
    std::atomic<bool> finite{true};
    parallel_for(splits(), [&](int64_t split) {
        half_kernels().begin(kDeepest);
        float* own = sums.data() + split * size;
        if (!accumulate(split, few_fine_ ? coarse : fine, few_fine_ ? fine : coarse, own)) finite = false;
        half_kernels().end();
    });
    if (!finite) return false;
    for (int64_t split = 1; split < splits(); ++split)
        for (int64_t i = 0; i < size; ++i) sums.data()[i] += sums.data()[split * size + i];
    store(sums.data(), kernel);
    return true;
}

void HalfTaps::store(const float* sums, const HalfView& kernel) const {
    std::vector<Half> row(many_);
    for (int64_t i = 0; i < rows(); ++i) {
        const int64_t tap = i / few_, channel = i % few_;
        kernels().narrow(sums + i * padded_lanes_, many_, row.data());
        for (int64_t n = 0; n < many_; ++n) *(few_fine_ ? kernel.at(tap, channel, n) : kernel.at(tap, n, channel)) = row[n];
    }
}

}  // namespace tconv
