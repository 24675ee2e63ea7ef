// kernel_gradient by Winograd's tiles: for each of the 16 products a matrix product whose rows are sources times fine
// channels, whose lanes are coarse channels, and whose depth is tiles of all images. The coarse cells of a tile take
// the part of the taps, and the taps that of the results.
#include <algorithm>
#include <cstring>

#include "pool.h"
#include "scratch.h"
#include "winograd.h"

namespace tconv {
namespace {

using Loop = void (*)(int64_t count, const std::function<void(int64_t)>& body);

void in_turn(int64_t count, const std::function<void(int64_t)>& body) {
    for (int64_t i = 0; i < count; ++i) body(i);
}

}  // namespace

TiledCorrelate::TiledCorrelate(const Problem& problem, TiledProduct product)
    : problem_(problem), product_(std::move(product)), depth_(product_.sources() * problem.fine_channels) {
    const Kernels& table = kernels();
    int best = 0;
    double least = 0;
    for (int v = 0; v < 3; ++v) {
        const int64_t wide = table.sums_shape[v].lanes, high = table.sums_shape[v].rows;
        const double cost = static_cast<double>(ceil_div(problem.coarse_channels, wide) * wide) *
                            static_cast<double>(ceil_div(depth_, high) * high) * (v ? 1.0 : 1.25);
        if (v == 0 || cost < least) best = v, least = cost;
    }
    tile_ = table.sums[best], rows_ = table.sums_shape[best].rows, lanes_ = table.sums_shape[best].lanes;
    padded_rows_ = ceil_div(depth_, rows_) * rows_, pitch_ = ceil_div(problem.coarse_channels, lanes_) * lanes_;
    // Large sums are fetched for many tiles, small ones made several times over and added up at the end. How the tiles
    // are cut does not depend on the number of threads, so neither does the result.
    constexpr int64_t kNear = (int64_t{128} << 10) / 4, kFar = (int64_t{1} << 20) / 4, kSplits = 16;
    const int64_t tiles = problem.batch * product_.tiles(), least_tiles = sums() > kFar ? 128 : 32;
    chunk_ = std::clamp<int64_t>(kNear / (kProducts * (depth_ + pitch_)), least_tiles, 256);
    splits_ = sums() > kFar ? 1 : std::clamp<int64_t>(tiles / (4 * chunk_), 1, kSplits);
}

// In multiply-adds of one vector.
double TiledCorrelate::work() const {
    constexpr double kCell = 170, kTap = 100, kSum = 8, kResult = 60, kPartial = 3;
    constexpr double kFetch = 1.6;  // cells and sums of 16 products come from the second cache
    const int64_t width = kernels().width;
    const auto vectors = [&](int64_t channels) {
        return static_cast<double>(ceil_div(channels, width)) * (channels % width ? kPartial : 1);
    };
    const double tiles = static_cast<double>(problem_.batch * product_.tiles());
    const double each = static_cast<double>(sums()) / static_cast<double>(width);
    const double transforms = static_cast<double>(product_.sources()) * vectors(problem_.fine_channels) * kCell +
                              vectors(problem_.coarse_channels) * kTap;
    const double chunks = std::max<double>(splits_, tiles / static_cast<double>(chunk_));
    return tiles * (transforms + each) * kFetch + chunks * each * kSum + each * kResult;
}

std::shared_ptr<const TiledCorrelate> TiledCorrelate::of(const Problem& problem, double direct) {
    if (winograd() == Use::never) return {};
    std::vector<TiledProduct> products = tiled_products(problem, false);
    if (products.size() != 1) return {};
    std::shared_ptr<const TiledCorrelate> made(new TiledCorrelate(problem, std::move(products[0])));
    constexpr int64_t kMost = int64_t{1} << 25;  // sums of more floats would be memory that nobody expects
    if (made->sums() > kMost) return {};
    return winograd() == Use::wherever_possible || made->work() < direct ? made : nullptr;
}

void TiledCorrelate::accumulate(int64_t first, int64_t end, bool alone, const float* fine, const float* coarse,
                                float* sums) const {
    const Loop loop = alone ? in_turn : parallel_for;
    const auto& [a0, a1, a2] = product_.axes;
    const Grid fine_grid{{a0.input, a1.input, a2.input}, problem_.fine_channels};
    const Grid grid{{problem_.axes[0].coarse, problem_.axes[1].coarse, problem_.axes[2].coarse},
                    problem_.coarse_channels};
    const int64_t fine_step = kProducts * depth_ + kApart, coarse_step = kProducts * pitch_ + kApart;
    const Scratch fines(chunk_ * fine_step), coarses(chunk_ * coarse_step);
    std::memset(coarses.data(), 0, chunk_ * coarse_step * sizeof(float));
    std::vector<int64_t> offsets(padded_rows_), fine_places(chunk_), coarse_places(chunk_);
    for (int64_t m = 0; m < padded_rows_; ++m) offsets[m] = m;
    for (int64_t t = 0; t < chunk_; ++t) fine_places[t] = t * fine_step, coarse_places[t] = t * coarse_step;
    const auto taps = kernels().tile_taps[a1.results - 2][a2.results - 2];

    constexpr int64_t kRun = 8;
    for (int64_t from = first; from < end; from += chunk_) {
        const int64_t count = std::min(chunk_, end - from);
        loop(ceil_div(count, kRun), [&](int64_t run) {
            const Scratch room(kProducts * problem_.fine_channels);  // for a tile's cells that lie partly outside
            TileAt at = tile_at(product_, from + run * kRun);
            for (int64_t t = run * kRun; t < std::min(count, (run + 1) * kRun); ++t, advance(product_, at)) {
                tile_cells(product_, at, fine_grid, fine, room.data(), fines.data() + t * fine_step, depth_);
                const float* corner = coarse + at.image * grid.image() + (a0.out + at.place[0]) * grid.plane() +
                                      a1.out * grid.row() + a2.out * grid.pixel();
                const float* cells[9];
                for (int64_t i = 0; i < a1.results; ++i)
                    for (int64_t j = 0; j < a2.results; ++j) {
                        const int64_t y = at.place[1] + i, x = at.place[2] + j;
                        cells[i * a2.results + j] =
                            y < a1.points && x < a2.points ? corner + y * grid.row() + x * grid.pixel() : nullptr;
                    }
                taps(cells, problem_.coarse_channels, coarses.data() + t * coarse_step, pitch_);
            }
        });
        const int64_t high = padded_rows_ / rows_, parts = alone ? 1 : std::min<int64_t>(high, 4);
        loop(kProducts * parts, [&](int64_t i) {
            const int64_t p = i / parts, part = i % parts;
            for (int64_t m = part * high / parts * rows_; m < (part + 1) * high / parts * rows_; m += rows_)
                for (int64_t lane = 0; lane < pitch_; lane += lanes_)
                    tile_(Sums{fines.data() + p * depth_, &offsets[m], coarses.data() + p * pitch_ + lane,
                               fine_places.data(), coarse_places.data(), count,
                               sums + (p * padded_rows_ + m) * pitch_ + lane, pitch_, from == first});
        });
    }
}

void TiledCorrelate::run(const float* fine, const float* coarse, const KernelView& kernel) const {
    const int64_t tiles = problem_.batch * product_.tiles(), size = sums();
    const Scratch made(splits_ * size);
    if (splits_ == 1)
        accumulate(0, tiles, false, fine, coarse, made.data());
    else
        parallel_for(splits_, [&](int64_t s) {
            accumulate(s * tiles / splits_, (s + 1) * tiles / splits_, true, fine, coarse, made.data() + s * size);
        });
    for (int64_t s = 1; s < splits_; ++s)
        for (int64_t i = 0; i < size; ++i) made.data()[i] += made.data()[s * size + i];
    store(made.data(), kernel);
}

void TiledCorrelate::store(const float* sums, const KernelView& kernel) const {
    const int64_t channels = problem_.coarse_channels, fine = problem_.fine_channels;
    for (int64_t tap = 0; tap < problem_.taps(); ++tap)  // some may join no cells
        std::memset(kernel.at(tap, 0, 0), 0, fine * channels * sizeof(float));
    const auto& [a0, a1, a2] = product_.axes;
    const auto results = kernels().tile_results[a1.taps - 2][a2.taps - 2];
    parallel_for(fine, [&](int64_t d) {
        const Scratch taps(a1.taps * a2.taps * channels);
        TileResults job{};
        job.apart = padded_rows_ * pitch_, job.channels = channels, job.products = sums + d * pitch_;
        job.corner = taps.data(), job.row = a2.taps * channels, job.pixel = channels;
        job.rows = a1.taps, job.columns = a2.taps;
        for (const Source& s0 : a0.sources)
            for (const Source& s1 : a1.sources)
                for (const Source& s2 : a2.sources) {
                    results(job);
                    job.products += fine * pitch_;
                    for (int64_t i = 0; i < a1.taps; ++i)
                        for (int64_t j = 0; j < a2.taps; ++j) {
                            if (s1.taps[i] < 0 || s2.taps[j] < 0) continue;
                            const int64_t row = s0.taps[0] * problem_.axes[1].kernel + s1.taps[i];
                            const int64_t tap = row * problem_.axes[2].kernel + s2.taps[j];
                            std::memcpy(kernel.at(tap, d, 0), taps.data() + (i * a2.taps + j) * channels,
                                        channels * sizeof(float));
                        }
                }
    });
}

PlanFacts TiledCorrelate::facts() const {
    PlanFacts facts;
    facts.form = "winograd";
    facts.tile_rows = rows_, facts.tile_lanes = lanes_, facts.products = kProducts;
    facts.executed = problem_.batch * product_.tiles() * sums();
    facts.blocks = splits_ > 1 ? splits_ : kProducts * ceil_div(problem_.batch * product_.tiles(), chunk_);
    return facts;
}

}  // namespace tconv
