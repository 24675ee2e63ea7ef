// conv and conv_transpose by Winograd's tiles: for each of the 16 products a matrix product whose rows are tiles of
// many images, whose lanes are output channels, and whose depth is sources times input channels.
#include <algorithm>
#include <cstring>

#include "caches.h"
#include "pool.h"
#include "scratch.h"
#include "streaming.h"
#include "winograd.h"

namespace tconv {

TiledGather::TiledGather(const Problem& problem, bool transposed, std::vector<TiledProduct> products, int64_t threads)
    : problem_(problem), transposed_(transposed), products_(std::move(products)) {
    depth_ = transposed ? problem.coarse_channels : problem.fine_channels;
    lanes_ = transposed ? problem.fine_channels : problem.coarse_channels;
    const Kernels& table = kernels();
    int64_t places = 0;
    for (const TiledProduct& product : products_) places = std::max(places, problem.batch * product.tiles());
    const int best = best_outer(lanes_, places);
    product_ = table.tile_product[best], rows_ = table.outer_shape[best].rows, width_ = table.outer_shape[best].lanes;
    int64_t deepest = 1, all = 0, most = 0;
    for (TiledProduct& product : products_) {
        const int64_t weights = panels() * panel_floats(product);
        product.packed = packed_floats_, packed_floats_ += weights, most = std::max(most, weights);
        deepest = std::max(deepest, product.sources() * depth_), all += problem.batch * product.tiles();
    }
    constexpr int64_t kFloats = kLine / 4;
    const int64_t cells = problem.batch * (transposed ? problem.fine_cells() : problem.coarse_cells());
    streams_ = lanes_ % kFloats == 0 && width_ % kFloats == 0 && cells * lanes_ * 4 >= streams_from();
    // The transformed cells stay near and every thread has several pieces of work, but weights are not fetched for a
    // few tiles, nor those from beyond the caches for a few more.
    constexpr int64_t kNear = (int64_t{48} << 10) / 4, kFar = (int64_t{4} << 20) / 4;
    const int64_t room = kNear / (kProducts * (deepest + width_)), share = ceil_div(all, 4 * threads);
    const int64_t least = std::min((most > kFar ? 8 : 4) * rows_, ceil_div(all, threads));
    chunk_ = ceil_div(std::clamp<int64_t>(std::min(room, share), least, std::max<int64_t>(least, 128)), rows_) * rows_;
}

// In multiply-adds of one vector, as GatherPlan::work.
double TiledGather::work(bool frozen) const {
    constexpr double kTile = 40, kTask = 4000;
    constexpr double kCell = 170, kResult = 20, kTap = 28;  // a vector's cells of a tile, its results, and a weight
    constexpr double kPartial = 3;                          // a vector that is not full
    constexpr int64_t kFar = (int64_t{12} << 20) / 4;
    const double fetch = packed_floats_ > kFar ? 20 : 2;    // a vector of weights, from a far cache or a near one
    const double vector = kernels().width, vectors = static_cast<double>(panels() * width_) / vector;
    double total = 0;
    for (const TiledProduct& product : products_) {
        const double tiles = static_cast<double>(problem_.batch * product.tiles());
        const double depth = static_cast<double>(product.sources() * depth_);
        const double cells = static_cast<double>(product.sources() * ceil_div(depth_, kernels().width)) *
                             (depth_ % kernels().width ? kPartial : 1);
        const double tasks = static_cast<double>(ceil_div(problem_.batch * product.tiles(), chunk_));
        total += tasks * (kTask + kProducts * depth * vectors * fetch);
        total += tiles * kProducts * vectors * (depth + kTile / static_cast<double>(rows_));
        total += tiles * (cells * kCell + vectors * kResult);
        if (!frozen) total += kProducts * depth * vectors * kTap;
    }
    return total;
}

std::shared_ptr<const Way> TiledGather::of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                           bool frozen) {
    if (winograd() == Use::never) return {};
    std::vector<TiledProduct> products = tiled_products(problem, transposed);
    if (products.empty()) return {};
    // The choice is made for one thread, so that it is the same for any number, and so is each bit of the result.
    const TiledGather alone(problem, transposed, products, 1);
    if (winograd() == Use::where_it_wins && alone.work(frozen) >= direct) return {};
    return std::shared_ptr<const Way>(new TiledGather(problem, transposed, std::move(products), threads));
}

// One panel's weights: for each product those of every source and channel, lanes innermost.
void TiledGather::pack_panel(const TiledProduct& product, int64_t panel, const KernelView& kernel, float* out) const {
    const int64_t lane0 = panel * width_, lanes = std::min(width_, lanes_ - lane0);
    const int64_t taps1 = product.axes[1].taps, taps2 = product.axes[2].taps;
    const int64_t apart = weights_apart(product);
    const Scratch turned(taps1 * taps2 * depth_ * width_);
    if (lanes < width_) std::memset(turned.data(), 0, taps1 * taps2 * depth_ * width_ * sizeof(float));
    for (const Source& s0 : product.axes[0].sources)
        for (const Source& s1 : product.axes[1].sources)
            for (const Source& s2 : product.axes[2].sources) {
                const float* taps[9];
                for (int64_t i = 0; i < taps1; ++i)
                    for (int64_t j = 0; j < taps2; ++j) {
                        float* place = turned.data() + (i * taps2 + j) * depth_ * width_;
                        const bool there = s1.taps[i] >= 0 && s2.taps[j] >= 0;
                        taps[i * taps2 + j] = there ? place : nullptr;
                        if (!there) continue;
                        const int64_t row = s0.taps[0] * problem_.axes[1].kernel + s1.taps[i];
                        const int64_t tap = row * problem_.axes[2].kernel + s2.taps[j];
                        if (transposed_)
                            kernels().turn(kernel.at(tap, lane0, 0), kernel.per_row, lanes, depth_, place, width_);
                        else
                            for (int64_t c = 0; c < depth_; ++c)
                                std::memcpy(place + c * width_, kernel.at(tap, c, lane0), lanes * sizeof(float));
                    }
                kernels().tile_taps[taps1 - 2][taps2 - 2](taps, depth_ * width_, out, apart);
                out += depth_ * width_;
            }
}

void TiledGather::pack(const KernelView& kernel, float* packed) const {
    const int64_t each = panels();
    parallel_for(each * static_cast<int64_t>(products_.size()), [&](int64_t i) {
        const TiledProduct& product = products_[i / each];
        pack_panel(product, i % each, kernel, packed + product.packed + i % each * panel_floats(product));
    });
}

void TiledGather::run(const float* input, const KernelView&, const float* packed, float* output,
                      const Finish& finish) const {
    const Scratch bias(finish.bias ? lanes_ + kernels().width : 0);
    if (finish.bias) {
        std::memcpy(bias.data(), finish.bias, lanes_ * sizeof(float));
        std::memset(bias.data() + lanes_, 0, kernels().width * sizeof(float));
    }
    const bool streams = streams_ && reinterpret_cast<uintptr_t>(output) % kLine == 0;
    std::vector<int64_t> begins{0};  // of each product's pieces of work
    for (const TiledProduct& product : products_)
        begins.push_back(begins.back() + ceil_div(problem_.batch * product.tiles(), chunk_));
    parallel_for(begins.back(), [&](int64_t piece) {
        const int64_t which = std::upper_bound(begins.begin(), begins.end(), piece) - begins.begin() - 1;
        const TiledProduct& product = products_[which];
        const int64_t first = (piece - begins[which]) * chunk_;
        compute(product, first, std::min(chunk_, problem_.batch * product.tiles() - first), packed,
                finish.bias ? bias.data() : nullptr, finish, input, output, streams);
    });
}

void TiledGather::compute(const TiledProduct& product, int64_t first, int64_t count, const float* packed,
                          const float* bias, const Finish& finish, const float* input, float* output,
                          bool streams) const {
    const auto& [a0, a1, a2] = product.axes;
    const Axis* axes = problem_.axes.data();
    const auto size = [&](int i) { return transposed_ ? axes[i].fine : axes[i].coarse; };
    const Grid grid{{a0.input, a1.input, a2.input}, depth_}, out{{size(0), size(1), size(2)}, lanes_};
    const int64_t depth = product.sources() * depth_, step = kProducts * depth + kApart;
    const int64_t sums_apart = count * width_ + kApart;
    const Scratch cells(count * step), sums(kProducts * sums_apart), room(kProducts * depth_);
    const auto finished = kernels().tile_results[a1.results - 2][a2.results - 2];
    TileAt at = tile_at(product, first);
    for (int64_t t = 0; t < count; ++t, advance(product, at))
        tile_cells(product, at, grid, input, room.data(), cells.data() + t * step, depth);
    for (int64_t panel = 0; panel < panels(); ++panel) {
        const float* weights = packed + product.packed + panel * panel_floats(product);
        for (int64_t p = 0; p < kProducts; ++p, weights += weights_apart(product))
            product_({cells.data() + p * depth, step, weights, count, depth, part_of_sum(depth),
                      sums.data() + p * sums_apart});
        const int64_t lane0 = panel * width_;
        TileResults job{};
        job.apart = sums_apart, job.channels = std::min(width_, lanes_ - lane0);
        job.row = a1.out_step * out.row(), job.pixel = a2.out_step * out.pixel();
        job.bias = bias ? bias + lane0 : nullptr, job.activation = finish.activation, job.slope = finish.slope;
        job.stream = streams;
        at = tile_at(product, first);
        for (int64_t t = 0; t < count; ++t, advance(product, at)) {
            job.products = sums.data() + t * width_;
            job.corner = output + at.image * out.image() + (a0.out + at.place[0] * a0.out_step) * out.plane() +
                         (a1.out + at.place[1] * a1.out_step) * out.row() +
                         (a2.out + at.place[2] * a2.out_step) * out.pixel() + lane0;
            job.rows = a1.points - at.place[1], job.columns = a2.points - at.place[2];
            finished(job);
        }
    }
    if (streams) settle();
}

PlanFacts TiledGather::facts() const {
    PlanFacts facts;
    facts.form = "winograd";
    facts.tile_rows = rows_, facts.tile_lanes = width_, facts.packed_floats = packed_floats_, facts.streams = streams_;
    for (const TiledProduct& product : products_) {
        facts.products += kProducts;
        facts.executed += kProducts * problem_.batch * product.tiles() * product.sources() * depth_ * panels() * width_;
        facts.blocks += ceil_div(problem_.batch * product.tiles(), chunk_);
    }
    return facts;
}

}  // namespace tconv
