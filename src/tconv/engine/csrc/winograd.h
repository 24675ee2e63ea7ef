// Winograd's minimal filtering: a tile of 4x4 cells gives 2 or 3 results an axis from 16 products of transformed cells
// and transformed weights, where the direct way takes 36 (Lavin and Gray, 2016; the points are 0, 1, -1 and infinity,
// for two taps as for three). Along the first of three axes, and among the residues of a stride, sums are made as ever.
//
// Its factors are 1 and 1/2, so whole numbers stay exact; other sums lose a little more to rounding than the direct
// ones, and a number that is not finite spoils the results of its tiles.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "contractions.h"
#include "kernels.h"
#include "lattice.h"
#include "use.h"
#include "way.h"
#include "window.h"

namespace tconv {

Use winograd();
void set_winograd(Use use);

constexpr int64_t kCells = 4, kProducts = kCells * kCells;
constexpr int64_t kApart = 16;  // arrays a power of two apart would fall into the same few lines of the first cache

// Cells of the input that meet the same taps: those of one residue of the stride; on a direct axis, those of one tap.
struct Source {
    int64_t shift;                // input cell of point q: q * step + shift, and one step further for each tap
    std::array<int64_t, 3> taps;  // of the kernel; -1: none
};

struct TiledAxis {
    int64_t first, points;            // lattice points
    int64_t out, out_step;            // output cell of the first, and from one to the next
    int64_t step, input;              // input cells from one point to the next, and how many there are
    int64_t taps, results;            // of one tile: their sum is kCells + 1, or both are 1 on a direct axis
    std::vector<Source> sources;

    int64_t tiles() const { return ceil_div(points, results); }
};

// One choice of a phase for each axis.
struct TiledProduct {
    std::array<TiledAxis, 3> axes;
    int64_t packed;                   // where its weights begin

    int64_t tiles() const { return axes[0].tiles() * axes[1].tiles() * axes[2].tiles(); }
    int64_t sources() const;
};

// How a contraction goes by tiles; empty where it cannot.
std::vector<TiledProduct> tiled_products(const Problem& problem, bool transposed);

// Where one tile lies; tiles are counted along the last axis first, images last.
struct TileAt {
    int64_t image;
    std::array<int64_t, 3> place;     // its first result, from the first of the axis on
};
TileAt tile_at(const TiledProduct& product, int64_t number);
void advance(const TiledProduct& product, TileAt& tile);

// A tile's cells of every source, transformed: `sources * channels` numbers for each of the products, `apart`; with
// room for 16 cells.
void tile_cells(const TiledProduct& product, const TileAt& tile, const Grid& grid, const float* array, float* room,
                float* to, int64_t apart);

class TiledGather : public Way {
  public:
    // Null if the problem cannot be computed so, or not faster than by `direct` multiply-adds of one vector.
    static std::shared_ptr<const Way> of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                         bool frozen);

    int64_t packed_floats() const override { return packed_floats_; }
    void pack(const KernelView& kernel, float* packed) const override;
    void run(const float* input, const KernelView& kernel, const float* packed, float* output,
             const Finish& finish) const override;
    PlanFacts facts() const override;

  private:
    TiledGather(const Problem& problem, bool transposed, std::vector<TiledProduct> products, int64_t threads);
    double work(bool frozen) const;
    void pack_panel(const TiledProduct& product, int64_t panel, const KernelView& kernel, float* out) const;
    void compute(const TiledProduct& product, int64_t first, int64_t count, const float* packed, const float* bias,
                 const Finish& finish, const float* input, float* output, bool streams) const;
    int64_t panels() const { return ceil_div(lanes_, width_); }
    int64_t weights_apart(const TiledProduct& product) const { return product.sources() * depth_ * width_ + kApart; }
    int64_t panel_floats(const TiledProduct& product) const { return kProducts * weights_apart(product); }

    const Problem problem_;
    const bool transposed_;
    std::vector<TiledProduct> products_;
    int64_t depth_, lanes_;           // input and output channels
    void (*product_)(const TileProduct&) = nullptr;
    int64_t rows_ = 0, width_ = 0;    // of one micro-kernel
    int64_t chunk_ = 0;               // tiles that are computed together
    int64_t packed_floats_ = 0;
    bool streams_ = false;            // the result is larger than the caches, and its cells are whole lines
};

class TiledCorrelate {
  public:
    static std::shared_ptr<const TiledCorrelate> of(const Problem& problem, double direct);

    void run(const float* fine, const float* coarse, const KernelView& kernel) const;
    PlanFacts facts() const;

  private:
    TiledCorrelate(const Problem& problem, TiledProduct product);
    double work() const;
    void accumulate(int64_t first, int64_t end, bool alone, const float* fine, const float* coarse, float* sums) const;
    void store(const float* sums, const KernelView& kernel) const;
    int64_t sums() const { return kProducts * padded_rows_ * pitch_; }

    const Problem problem_;
    TiledProduct product_;
    void (*tile_)(const Sums&) = nullptr;
    int64_t rows_ = 0, lanes_ = 0;    // of one micro-kernel
    int64_t depth_ = 0;               // sources times fine channels
    int64_t padded_rows_ = 0, pitch_ = 0;
    int64_t chunk_ = 0, splits_ = 1;
};

}  // namespace tconv
