// kernel_gradient: for every tap a matrix product whose depth is all places of all images. One array is broadcast
// (rows of the tile), the other lies in the lanes:
//   coarse lanes: rows are (tap, fine channel), lanes are coarse channels;
//   fine lanes:   rows are coarse channels, lanes are (tap along the last axis, fine channel), for few coarse channels.
#include <algorithm>
#include <numeric>
#include <vector>

#include "contractions.h"
#include "kernels.h"
#include "pool.h"
#include "rows.h"
#include "scratch.h"
#include "window.h"
#include "winograd.h"

namespace tconv {
namespace {

class Correlate {
  public:
    explicit Correlate(const Problem& problem);
    void run(const float* fine, const float* coarse, const KernelView& kernel);
    PlanFacts facts() const;
    double work() const;                        // in multiply-adds of one vector

  private:
    struct Part {
        int64_t split;                          // which partial sum
        int64_t first_row, rows;                // tiles of rows
    };

    // A run of images, and of points along the band axis, as the tiles see it.
    struct Block {
        int64_t image, images, from, points;
        const float* fine;
        Grid fine_grid;
        bool fresh;                             // the first of its split
        const float* coarse;                    // in panels where they are the lanes, unless one cell is a panel
    };

    // Where the places of a block lie in both arrays, and in a tile of rows that is laid out anew.
    struct Places {
        int64_t images = 0, points = 0;
        std::vector<int64_t> fine, coarse, rows;
    };

    // Where sums are made; rows from `tail_from` on lie in `tail`.
    struct Sink {
        float* sums;
        float* tail;
        int64_t tail_from;
    };

    struct Choice {
        int shape;
        double cost;
    };

    static Choice choose_tile(int64_t rows, int64_t lanes, bool in_panels);
    void choose_form();
    void choose_splits();
    void accumulate(const Part& part, const float* fine, const float* coarse, const Sink& sink) const;
    bool coarse_lanes() const { return !fine_lanes_ && !depthwise_; }
    bool in_panels() const { return coarse_lanes() && (problem_.groups > 1 || tile_lanes_ != coarse_group_); }
    // Whether each tile of rows is laid out anew, place by place, because many panels meet it.
    bool packs_rows() const { return in_panels() && pitch_ / tile_lanes_ >= kManyPanels; }
    int64_t places(int64_t points) const;       // coarse cells of one image's band
    Places places_of(const Block& block) const;
    void pack_panels(const Block& block, const float* coarse, float* out) const;
    void pack_rows(const float* fine, const int64_t* offsets, const Places& places, float* out) const;
    void tiles(const Part& part, int64_t group, const Block& block, const Places& places, const Sink& sink) const;
    void store(const float* sums, const KernelView& kernel) const;
    int64_t tap_offset(int64_t tap, const Grid& grid) const;

    static constexpr int64_t kManyPanels = 6;

    const Problem& problem_;
    bool depthwise_, fine_lanes_ = false, copies_fine_ = false;
    void (*tile_)(const Sums&) = nullptr;
    int64_t tile_rows_ = 0, tile_lanes_ = 0;
    int64_t rows_ = 0, lanes_ = 0, sets_ = 1;   // per group and set; a set is a choice of taps along the first axes
    int64_t pitch_ = 0, padded_rows_ = 0;
    int64_t fine_group_, coarse_group_;
    int band_axis_ = 0;
    int64_t band_ = 1, images_ = 1, splits_ = 1, row_parts_ = 1;
    Grid fine_window_{}, fine_{}, coarse_{};
    std::array<int64_t, 3> reach_{};
};

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
    constexpr int64_t kSlack = 64;  // the widest panel
    Scratch fine_copy(copies_fine_ ? images_ * fine_window_.image() + kSlack : 0);
    Scratch panels(in_panels() ? images_ * places(band_) * problem_.groups * pitch_ : 0);
    Places where;
    if (copies_fine_) std::fill_n(fine_copy.data() + images_ * fine_window_.image(), kSlack, 0.0f);
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

void Correlate::pack_rows(const float* fine, const int64_t* offsets, const Places& places, float* out) const {
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

}  // namespace

void kernel_gradient(const Problem& problem, const float* fine, const float* coarse, const KernelView& kernel) {
    const int64_t places = problem.batch * problem.coarse_cells() * problem.fine_cells();
    if (problem.coarse_channels * problem.fine_channels == 0) return;
    if (places == 0) {
        for (int64_t tap = 0; tap < problem.taps(); ++tap)
            for (int64_t d = 0; d < problem.fine_channels / problem.groups; ++d)
                for (int64_t c = 0; c < problem.coarse_channels; ++c) *kernel.at(tap, d, c) = 0.0f;
        return;
    }
    Correlate direct(problem);
    const std::shared_ptr<const TiledCorrelate> tiled = TiledCorrelate::of(problem, direct.work());
    const std::shared_ptr<const RowsCorrelate> rows = tiled ? nullptr : RowsCorrelate::of(problem, direct.work());
    const auto run = [&](const KernelView& lies) {
        if (tiled) tiled->run(fine, coarse, lies);
        else if (rows) rows->run(fine, coarse, lies);
        else direct.run(fine, coarse, lies);
    };
    if (kernel.per_column == 1) return run(kernel);
    const Scratch turned(problem.taps() * problem.rows() * problem.coarse_channels);
    const KernelView natural = natural_view(problem, turned.data());
    run(natural);
    copy_kernel(problem, natural, kernel);
}

PlanFacts plan_facts_of_gradient(const Problem& problem) {
    const Correlate direct(problem);
    const std::shared_ptr<const TiledCorrelate> tiled = TiledCorrelate::of(problem, direct.work());
    if (tiled) return tiled->facts();
    const std::shared_ptr<const RowsCorrelate> rows = RowsCorrelate::of(problem, direct.work());
    return rows ? rows->facts() : direct.facts();
}

}  // namespace tconv
