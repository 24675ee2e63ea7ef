#include "correlate.h"

#include <algorithm>

#include "pool.h"

namespace tconv {

Correlate::Correlate(const Problem& problem)
    : problem_(problem),
      depthwise_(problem.depthwise()),
      fine_group_(problem.fine_channels / problem.groups),
      coarse_group_(problem.coarse_channels / problem.groups) {
    for (int i = 0; i < 3; ++i) {
        const Axis& axis = problem.axes[i];
        fine_.sizes[i] = axis.fine, coarse_.sizes[i] = axis.coarse;
        reach_[i] = (axis.kernel - 1) * axis.dilation + 1;
        fine_window_.sizes[i] = (axis.coarse - 1) * axis.stride + reach_[i];
        const bool inside = axis.lo <= 0 && fine_window_.sizes[i] - axis.lo <= axis.fine;
        copies_fine_ = copies_fine_ || !inside;
    }
    fine_.channels = fine_window_.channels = problem.fine_channels;
    coarse_.channels = problem.coarse_channels;
    choose_form();
    choose_splits();
}

// What all tiles do at one place: products and loads, in vectors. Panels that are wide do not stay in the first cache.
Correlate::Choice Correlate::choose_tile(int64_t rows, int64_t lanes, bool in_panels) {
    const Kernels& table = kernels();
    Choice best{};
    for (int v = 0; v < 6; ++v) {
        const int64_t wide = table.sums_shape[v].lanes, high = table.sums_shape[v].rows, vectors = wide / table.width;
        constexpr int64_t kPlaces = 2;  // loads that say where a place lies
        const double fetch = in_panels && vectors > 2 ? 1.1 : 1.0;
        const int64_t each = high * vectors + high + vectors + kPlaces;
        const double cost = static_cast<double>(ceil_div(lanes, wide) * ceil_div(rows, high) * each) * fetch;
        if (v == 0 || cost < best.cost) best = {v, cost};
    }
    return best;
}

void Correlate::choose_form() {
    const Kernels& table = kernels();
    if (depthwise_) {
        rows_ = problem_.taps(), lanes_ = problem_.groups, tile_rows_ = 8, tile_lanes_ = lanes_;
    } else {
        const Axis& last = problem_.axes[2];
        const int64_t run = last.dilation == 1 ? last.kernel * fine_group_ : fine_group_;
        const int64_t sets = problem_.taps() * fine_group_ / run;
        const bool contiguous = problem_.groups == 1 || last.kernel == 1;
        const Choice coarse = choose_tile(problem_.taps() * fine_group_, coarse_group_, true);
        const Choice fine = choose_tile(coarse_group_, run, false);
        fine_lanes_ = contiguous && coarse_group_ <= 2 * table.width && sets * fine.cost < coarse.cost;
        if (fine_lanes_) {
            sets_ = sets, rows_ = coarse_group_, lanes_ = run;
        } else {
            rows_ = problem_.taps() * fine_group_, lanes_ = coarse_group_;
        }
        const int best = fine_lanes_ ? fine.shape : coarse.shape;
        tile_ = table.sums[best], tile_rows_ = table.sums_shape[best].rows, tile_lanes_ = table.sums_shape[best].lanes;
    }
    // Places a large power of two apart would fall into the same few lines of the first cache.
    constexpr int64_t kAlias = 128, kApart = 16;
    if (copies_fine_ && !fine_lanes_ && problem_.axes[2].stride * fine_.channels % kAlias == 0)
        fine_window_.channels += kApart;
    pitch_ = ceil_div(lanes_, tile_lanes_) * tile_lanes_;
    padded_rows_ = ceil_div(rows_, tile_rows_) * tile_rows_;
    // The last panel of fine lanes reads beyond its channels: from a copy, those are zeros or a neighbour's, never stored.
    copies_fine_ = copies_fine_ || (fine_lanes_ && pitch_ != lanes_);
}

// How the places are cut does not depend on the number of threads, so neither does the result.
void Correlate::choose_splits() {
    while (band_axis_ < 2 && problem_.axes[band_axis_].coarse == 1) ++band_axis_;
    const int64_t points = problem_.axes[band_axis_].coarse;
    // A block's windows stay in the cache, and it has places enough that the sums are not fetched for a few products.
    constexpr int64_t kWindow = (int64_t{256} << 10) / 4, kMost = (int64_t{2} << 20) / 4, kPlaces = 256;
    const int64_t image = std::max<int64_t>(1, fine_window_.image() + coarse_.image());
    const int64_t budget = std::clamp(image * kPlaces / problem_.coarse_cells(), kWindow, kMost);
    const int64_t per_point = std::max<int64_t>(1, image / std::max<int64_t>(1, points));
    band_ = std::clamp<int64_t>(budget / per_point, std::min<int64_t>(points, 2 * reach_[band_axis_]), points);
    images_ = band_ < points ? 1 : std::clamp<int64_t>(budget / image, 1, problem_.batch);
    const int64_t blocks = ceil_div(problem_.batch, images_) * ceil_div(points, band_);
    const int64_t sums = problem_.groups * sets_ * padded_rows_ * pitch_;
    splits_ = std::clamp<int64_t>(problem_.batch * image / std::max<int64_t>(1, 2 * sums), 1, std::min<int64_t>(16, blocks));
    // Parts of rows only share out the work; each copies its own windows, so there are no more than the threads need.
    const int64_t wanted = threads() == 1 ? 1 : ceil_div(2 * threads(), splits_);
    row_parts_ = std::min<int64_t>(ceil_div(padded_rows_, tile_rows_), wanted);
    const Axis& axis = problem_.axes[band_axis_];
    fine_window_.sizes[band_axis_] = (band_ - 1) * axis.stride + reach_[band_axis_];
}

double Correlate::work() const {
    constexpr double kSum = 6;                  // a vector of sums, to the kernel and beyond the caches
    // Rows of many taps come from the second cache, unless they are laid out.
    const double fetch = fine_lanes_ ? 0.85 : packs_rows() ? 1.12 : 1.25;
    const double sums = static_cast<double>((depthwise_ ? 1 : problem_.groups) * sets_ * padded_rows_ * pitch_);
    return (static_cast<double>(problem_.batch * problem_.coarse_cells()) * fetch + kSum) * sums / kernels().width;
}

PlanFacts Correlate::facts() const {
    PlanFacts facts;
    facts.form = depthwise_ ? "depthwise" : fine_lanes_ ? "fine lanes" : "coarse lanes";
    facts.tile_rows = tile_rows_, facts.tile_lanes = tile_lanes_;
    facts.products = sets_ * (depthwise_ ? 1 : problem_.groups);
    facts.executed = problem_.batch * problem_.coarse_cells() * facts.products * padded_rows_ * pitch_;
    facts.copies = copies_fine_;
    facts.blocks = splits_ * row_parts_;
    return facts;
}

}  // namespace tconv
