#include "stamps.h"

#include <algorithm>
#include <cstring>

#include "pool.h"
#include "scratch.h"

namespace tconv {

StampsGather::StampsGather(const Problem& problem, int64_t threads) : problem_(problem) {
    const auto cut = [](const Axis& a) { return Cut{a.kernel, a.stride, a.lo, a.coarse, a.fine}; };
    rows_ = cut(problem.axes[1]), columns_ = cut(problem.axes[2]);
    depth_ = problem.coarse_channels, lanes_ = problem.taps() * problem.fine_channels;
    const Kernels& table = kernels();
    const int best = best_outer(lanes_, columns_.coarse);
    step_ = outer_step(best);
    tile_ = table.outer[best], tile_rows_ = table.outer_shape[best].rows, width_ = table.outer_shape[best].lanes;
    // Each band makes the stamps of the rows before it anew.
    const int64_t all = rows_.last() - rows_.first() + 1;
    band_ = std::max(ceil_div(all, ceil_div(2 * threads, problem.batch)), std::min(all, 8 * (rows_.blocks() - 1)));
}

// In multiply-adds of one vector, as GatherPlan::work.
double StampsGather::work() const {
    constexpr double kTile = 40, kTerm = 2.5, kEnd = 3;  // beginning and ending a tile; a block of a stamp; of the result
    const double tiles = static_cast<double>(problem_.batch * rows_.coarse * panels()) * tiles_of(columns_.coarse, tile_rows_);
    const double vectors = static_cast<double>(width_) / kernels().width;
    const double block = static_cast<double>(ceil_div(columns_.stride * problem_.fine_channels, kernels().width));
    const double blocks = static_cast<double>(problem_.batch * rows_.fine * (columns_.last() - columns_.first() + 1));
    const double terms = static_cast<double>(columns_.blocks() * rows_.kernel) / static_cast<double>(rows_.stride);
    return tiles * (static_cast<double>(depth_) * step_ + kTile * vectors) + blocks * block * (terms * kTerm + kEnd);
}

std::shared_ptr<const Way> StampsGather::of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                            bool frozen) {
    const auto& [depth, rows, columns] = problem.axes;
    const bool flat = depth.kernel == 1 && depth.coarse == 1 && depth.fine == 1 && depth.lo == 0;
    if (!transposed || !flat || problem.groups > 1 || rows.dilation > 1 || columns.dilation > 1) return {};
    if (problem.coarse_cells() == 0 || problem.fine_cells() == 0) return {};
    // The kernel is fetched for each row of cells, and the stamps of some rows are kept: both have to lie near.
    constexpr int64_t kKernel = (int64_t{256} << 10) / 4, kStamps = (int64_t{1} << 20) / 4;
    const std::shared_ptr<const StampsGather> stamps(new StampsGather(problem, threads));
    if (stamps->packed_floats() > kKernel || stamps->rows_.blocks() * stamps->row_floats() > kStamps) return {};
    constexpr double kSure = 1.3;                      // stamps leave the first cache on their way
    const double work = stamps->work() * kSure + (frozen ? 0 : packing(stamps->packed_floats()));
    return work < direct ? stamps : nullptr;
}

// Lanes are (tap, output channel); the lanes of one tap are the kernel's rows, which become columns.
void StampsGather::pack(const KernelView& kernel, float* packed) const {
    parallel_for(panels(), [&](int64_t panel) {
        float* out = packed + panel * depth_ * width_;
        for (int64_t n = 0; n < width_; ++n) {
            const int64_t lane = panel * width_ + n;
            const float* from = lane < lanes_ ? kernel.at(lane / problem_.fine_channels, lane % problem_.fine_channels, 0)
                                              : nullptr;
            for (int64_t c = 0; c < depth_; ++c) out[c * width_ + n] = from ? from[c] : 0.0f;
        }
    });
}

void StampsGather::run(const float* input, const KernelView&, const float* packed, float* output,
                       const Finish& finish) const {
    const int64_t channels = problem_.fine_channels, first = rows_.first(), all = rows_.last() - first + 1;
    const Scratch bias(finish.bias ? columns_.fine * channels : 0);  // of a whole row
    Finish whole = finish;
    if (finish.bias) {
        for (int64_t i = 0; i < columns_.fine * channels; ++i) bias.data()[i] = finish.bias[i % channels];
        whole.bias = bias.data();
    }
    const int64_t bands = ceil_div(all, band_);
    parallel_for(problem_.batch * bands, [&](int64_t i) {
        const int64_t from = first + i % bands * band_;
        compute(i / bands, from, std::min(from + band_, first + all), input, packed, output, whole);
    });
}

// The stamps of one row of cells.
void StampsGather::stamp(const float* input, const float* packed, float* stamps) const {
    const int64_t shift = 0, to = pitch();
    std::array<const float*, 8> rows;
    std::array<float*, 8> outs;
    for (int64_t panel = 0; panel < panels(); ++panel) {
        const float* weights = packed + panel * depth_ * width_;
        Tile tile{};
        tile.rows = rows.data(), tile.shifts = &shift, tile.weights = &weights, tile.step = width_;
        tile.taps = 1, tile.depth = depth_, tile.chunk = part_of_sum(depth_), tile.lanes = width_;
        tile.outs = outs.data(), tile.to = panel * width_;
        for (int64_t x = 0; x < columns_.coarse; x += tile_rows_) {
            tile.count = std::min(tile_rows_, columns_.coarse - x);
            for (int64_t m = 0; m < tile_rows_; ++m) {
                const int64_t cell = std::min(x + m, columns_.coarse - 1);
                rows[m] = input + cell * depth_, outs[m] = stamps + cell * to;
            }
            tile_(tile);
        }
    }
}

// Blocks [first, last) of rows. The stamps of the latest rows of cells are kept, one behind the other in a ring.
void StampsGather::compute(int64_t image, int64_t first, int64_t last, const float* input, const float* packed,
                           float* output, const Finish& finish) const {
    const int64_t channels = problem_.fine_channels, kept = rows_.blocks();
    const int64_t block = columns_.stride * channels, blocks = columns_.last() - columns_.first() + 1;
    const Scratch ring(kept * row_floats()), sums(blocks * block + 16);
    std::memset(ring.data(), 0, kept * row_floats() * sizeof(float));
    const auto stamps_of = [&](int64_t row) { return ring.data() + row % kept * row_floats() + margin() * pitch(); };
    std::vector<Term> terms(kept * columns_.blocks());
    for (int64_t q = first - kept + 1; q < last; ++q) {
        if (q >= 0 && q < rows_.coarse)
            stamp(input + (image * rows_.coarse + q) * columns_.coarse * depth_, packed, stamps_of(q));
        for (int64_t r = 0; q >= first && r < rows_.stride; ++r) {
            const int64_t y = q * rows_.stride + r - rows_.lo;
            if (y < 0 || y >= rows_.fine) continue;
            int64_t count = 0;
            for (int64_t j = 0; j < kept; ++j) {
                const int64_t row = q - j, tap = j * rows_.stride + r;
                if (row < 0 || row >= rows_.coarse || tap >= rows_.kernel) continue;
                for (int64_t i = 0; i < columns_.blocks(); ++i) {
                    const int64_t left = columns_.kernel - i * columns_.stride;
                    terms[count++] = {stamps_of(row) + (tap * columns_.kernel + i * columns_.stride) * channels - i * pitch(),
                                      std::min(left, columns_.stride) * channels};
                }
            }
            kernels().sum_terms({terms.data(), count, pitch(), sums.data(), block, columns_.first(), blocks,
                                 columns_.coarse + margin()});
            const float* row = sums.data() + (columns_.lo - columns_.first() * columns_.stride) * channels;
            kernels().finish(row, finish, output + (image * rows_.fine + y) * columns_.fine * channels,
                             columns_.fine * channels);
        }
    }
}

PlanFacts StampsGather::facts() const {
    PlanFacts facts;
    facts.form = "stamps";
    facts.tile_rows = tile_rows_, facts.tile_lanes = width_, facts.products = 1;
    const int64_t bands = ceil_div(rows_.last() - rows_.first() + 1, band_);
    facts.executed = problem_.batch * problem_.coarse_cells() * depth_ * pitch();
    facts.packed_floats = packed_floats();
    facts.blocks = problem_.batch * bands;
    return facts;
}

}  // namespace tconv
