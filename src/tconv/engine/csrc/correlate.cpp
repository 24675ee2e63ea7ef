#include "correlate.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "pool.h"
#include "scratch.h"

namespace tconv {

void Correlate::run(const float* fine, const float* coarse, const KernelView& kernel) {
    const int64_t size = problem_.groups * sets_ * padded_rows_ * pitch_;
    // Sums that lie as the kernel does are made in it; only a last tile that is not full has a place aside.
    const bool in_place = splits_ == 1 && coarse_lanes() && problem_.groups == 1 && pitch_ == lanes_;
    Scratch sums(in_place ? tile_rows_ * pitch_ : splits_ * size);
    const Sink sink = in_place ? Sink{kernel.data, sums.data(), rows_ / tile_rows_ * tile_rows_}
                               : Sink{sums.data(), nullptr, padded_rows_};
    const int64_t tiles = ceil_div(padded_rows_, tile_rows_), per_part = ceil_div(tiles, row_parts_);
    parallel_for(splits_ * row_parts_, [&](int64_t i) {
        const int64_t first = i % row_parts_ * per_part;
        if (first >= tiles) return;
        const Part part{i / row_parts_, first * tile_rows_, std::min(per_part, tiles - first) * tile_rows_};
        accumulate(part, fine, coarse, {sink.sums + part.split * size, sink.tail, sink.tail_from});
    });
    if (in_place) {
        std::copy_n(sink.tail, (rows_ - sink.tail_from) * pitch_, kernel.data + sink.tail_from * pitch_);
        return;
    }
    constexpr int64_t kRun = 4096;
    if (splits_ > 1)
        parallel_for(ceil_div(size, kRun), [&](int64_t run) {
            float* total = sums.data();
            for (int64_t s = 1; s < splits_; ++s)
                for (int64_t i = run * kRun; i < std::min(size, (run + 1) * kRun); ++i) total[i] += total[s * size + i];
        });
    store(sums.data(), kernel);
}

int64_t Correlate::places(int64_t points) const {
    return problem_.coarse_cells() / problem_.axes[band_axis_].coarse * points;
}

// Coarse cells as panels of lanes, one place after the other, so that a panel is read in order for every tile of rows.
void Correlate::pack_panels(const Block& block, const float* coarse, float* out) const {
    const int64_t per_group = pitch_ / tile_lanes_, total = block.images * places(block.points);
    std::array<int64_t, 3> from{}, to = coarse_.sizes;
    from[band_axis_] = block.from, to[band_axis_] = block.from + block.points;
    int64_t place = 0;
    for (int64_t n = block.image; n < block.image + block.images; ++n)
        for (int64_t z = from[0]; z < to[0]; ++z)
            for (int64_t y = from[1]; y < to[1]; ++y)
                for (int64_t x = from[2]; x < to[2]; ++x, ++place) {
                    const float* cell = coarse + n * coarse_.image() + z * coarse_.plane() + y * coarse_.row() +
                                        x * coarse_.pixel();
                    for (int64_t group = 0; group < problem_.groups; ++group, cell += coarse_group_)
                        for (int64_t panel = 0; panel < per_group; ++panel) {
                            float* lanes = out + ((group * per_group + panel) * total + place) * tile_lanes_;
                            const int64_t count = std::min(tile_lanes_, coarse_group_ - panel * tile_lanes_);
                            std::copy_n(cell + panel * tile_lanes_, count, lanes);
                            std::fill_n(lanes + count, tile_lanes_ - count, 0.0f);
                        }
                }
}

void Correlate::accumulate(const Part& part, const float* fine, const float* coarse, const Sink& sink) const {
    const int64_t points = problem_.axes[band_axis_].coarse;
    const int64_t bands = ceil_div(points, band_), runs = ceil_div(problem_.batch, images_), blocks = runs * bands;
    const int64_t slack = tile_lanes_;  // the last panel may reach beyond the last pixel
    Scratch fine_copy(copies_fine_ ? images_ * fine_window_.image() + slack : 0);
    Scratch panels(in_panels() ? images_ * places(band_) * problem_.groups * pitch_ : 0);
    Places where;
    if (copies_fine_) std::fill_n(fine_copy.data() + images_ * fine_window_.image(), slack, 0.0f);
    for (int64_t i = part.split * blocks / splits_; i < (part.split + 1) * blocks / splits_; ++i) {
        Block block{};
        block.fresh = i == part.split * blocks / splits_;
        block.image = i / bands * images_, block.images = std::min(images_, problem_.batch - block.image);
        block.from = i % bands * band_, block.points = std::min(band_, points - block.from);
        std::array<int64_t, 3> coarse_first{}, fine_first;
        coarse_first[band_axis_] = block.from;
        for (int a = 0; a < 3; ++a)
            fine_first[a] = coarse_first[a] * problem_.axes[a].stride - problem_.axes[a].lo;
        const auto at = [](const Grid& grid, const std::array<int64_t, 3>& cell) {
            return cell[0] * grid.plane() + cell[1] * grid.row() + cell[2] * grid.pixel();
        };
        const float* images = fine + block.image * fine_.image();
        block.fine = copies_fine_ ? fine_copy.data() : images + at(fine_, fine_first);
        block.fine_grid = copies_fine_ ? fine_window_ : fine_;
        for (int64_t n = 0; copies_fine_ && n < block.images; ++n)
            copy_window(images + n * fine_.image(), fine_, fine_first, fine_copy.data() + n * fine_window_.image(),
                        fine_window_);
        block.coarse = in_panels() ? panels.data() : coarse + block.image * coarse_.image() + at(coarse_, coarse_first);
        if (in_panels()) pack_panels(block, coarse, panels.data());
        if (block.images != where.images || block.points != where.points) where = places_of(block);
        for (int64_t group = 0; group < (depthwise_ ? 1 : problem_.groups); ++group) tiles(part, group, block, where, sink);
    }
}

int64_t Correlate::tap_offset(int64_t tap, const Grid& grid) const {
    const auto& a = problem_.axes;
    const int64_t x = tap % a[2].kernel, y = tap / a[2].kernel % a[1].kernel, z = tap / a[2].kernel / a[1].kernel;
    return z * a[0].dilation * grid.plane() + y * a[1].dilation * grid.row() + x * a[2].dilation * grid.pixel();
}

Correlate::Places Correlate::places_of(const Block& block) const {
    std::array<int64_t, 3> sizes = coarse_.sizes;
    sizes[band_axis_] = block.points;
    const Grid& fine = block.fine_grid;
    const auto& axes = problem_.axes;
    Places places{block.images, block.points, {}, {}, {}};
    for (int64_t n = 0; n < block.images; ++n)
        for (int64_t z = 0; z < sizes[0]; ++z)
            for (int64_t y = 0; y < sizes[1]; ++y)
                for (int64_t x = 0; x < sizes[2]; ++x) {
                    places.fine.push_back(n * fine.image() + z * axes[0].stride * fine.plane() +
                                          y * axes[1].stride * fine.row() + x * axes[2].stride * fine.pixel());
                    places.coarse.push_back(
                        in_panels() ? static_cast<int64_t>(places.coarse.size()) * tile_lanes_
                                    : n * coarse_.image() + z * coarse_.plane() + y * coarse_.row() + x * coarse_.pixel());
                    places.rows.push_back(static_cast<int64_t>(places.rows.size()) * tile_rows_);
                }
    return places;
}

namespace {

// So few numbers at a time are copied soonest where the compiler knows how many.
template <size_t Rows>
void copy_beside(const float* from, const std::vector<int64_t>& places, float* out) {
    for (const int64_t place : places) std::memcpy(out, from + place, Rows * sizeof(float)), out += Rows;
}

}  // namespace

void Correlate::pack_rows(const float* fine, const int64_t* offsets, const Places& places, float* out) const {
    const bool beside = offsets[tile_rows_ - 1] - offsets[0] == tile_rows_ - 1;  // in one pixel, or in one row of them
    if (beside && tile_rows_ == 8) return copy_beside<8>(fine + offsets[0], places.fine, out);
    if (beside && tile_rows_ == 6) return copy_beside<6>(fine + offsets[0], places.fine, out);
    if (beside && tile_rows_ == 4) return copy_beside<4>(fine + offsets[0], places.fine, out);
    for (const int64_t place : places.fine)
        for (int64_t m = 0; m < tile_rows_; ++m) *out++ = fine[place + offsets[m]];
}

void Correlate::tiles(const Part& part, int64_t group, const Block& block, const Places& where, const Sink& sink) const {
    const Grid& fine = block.fine_grid;
    const int64_t places = static_cast<int64_t>(where.fine.size());
    const int64_t coarse_at = group * coarse_group_, fine_at = group * fine_group_;
    const int64_t panel_floats = places * tile_lanes_;
    const float* panels = block.coarse + group * (pitch_ / tile_lanes_) * panel_floats;
    std::vector<int64_t> offsets(part.rows);
    for (int64_t m = 0; m < part.rows; ++m) {
        const int64_t r = std::min(part.first_row + m, rows_ - 1);
        offsets[m] = depthwise_    ? tap_offset(r, fine)
                     : fine_lanes_ ? coarse_at + r
                                   : tap_offset(r / fine_group_, fine) + fine_at + r % fine_group_;
    }
    const auto sums_at = [&](int64_t set, int64_t row, int64_t lane) {
        return (row < sink.tail_from ? sink.sums + ((group * sets_ + set) * padded_rows_ + row) * pitch_
                                     : sink.tail + (row - sink.tail_from) * pitch_) + lane;
    };
    if (packs_rows()) {
        const Scratch rows(places * tile_rows_);
        std::vector<int64_t> within(tile_rows_);
        std::iota(within.begin(), within.end(), 0);
        for (int64_t m = 0; m < part.rows; m += tile_rows_) {
            pack_rows(block.fine, &offsets[m], where, rows.data());
            for (int64_t lane = 0; lane < pitch_; lane += tile_lanes_)
                tile_(Sums{rows.data(), within.data(), panels + lane / tile_lanes_ * panel_floats, where.rows.data(),
                           where.coarse.data(), places, sums_at(0, part.first_row + m, lane), pitch_, block.fresh});
        }
        return;
    }
    // The lanes outside: their panel stays in the first cache while the rows pass by.
    for (int64_t set = 0; set < sets_; ++set)
        for (int64_t lane = 0; lane < (depthwise_ ? 1 : pitch_); lane += tile_lanes_)
            for (int64_t m = 0; m < part.rows; m += tile_rows_) {
                float* out = sums_at(set, part.first_row + m, lane);
                const int64_t tap = problem_.axes[2].dilation == 1 ? set * problem_.axes[2].kernel : set;
                if (fine_lanes_)
                    tile_(Sums{block.coarse, &offsets[m], block.fine + fine_at + tap_offset(tap, fine) + lane,
                               where.coarse.data(), where.fine.data(), places, out, pitch_, block.fresh});
                else if (depthwise_)
                    kernels().depthwise_sums(Sums{block.fine, &offsets[m], block.coarse, where.fine.data(),
                                                  where.coarse.data(), places, out, pitch_, block.fresh}, problem_.groups);
                else
                    tile_(Sums{block.fine, &offsets[m], panels + lane / tile_lanes_ * panel_floats, where.fine.data(),
                               where.coarse.data(), places, out, pitch_, block.fresh});
            }
}

void Correlate::store(const float* sums, const KernelView& kernel) const {
    const int64_t last = problem_.axes[2].dilation == 1 ? problem_.axes[2].kernel : 1;
    parallel_for(problem_.taps(), [&](int64_t tap) {
        for (int64_t d = 0; d < fine_group_; ++d)
            for (int64_t c = 0; c < problem_.coarse_channels; ++c) {
                const int64_t group = depthwise_ ? 0 : c / coarse_group_, within = depthwise_ ? c : c % coarse_group_;
                const int64_t set = fine_lanes_ ? tap / last : 0;
                const int64_t row = depthwise_ ? tap : fine_lanes_ ? within : tap * fine_group_ + d;
                const int64_t lane = fine_lanes_ ? tap % last * fine_group_ + d : within;
                *kernel.at(tap, d, c) = sums[((group * sets_ + set) * padded_rows_ + row) * pitch_ + lane];
            }
    });
}

}  // namespace tconv
