// The kernel gradient of bfloat16 arrays with few channels: its rows are fine channels, the cells of each side by side; its
// depth is cells; its lanes are taps times coarse channels, and a tap is no more than a shift of the coarse cells. Cells of one
// residue of the stride lie together, in lines as long as the fine array's, where coarse ones are filled up with zeros. Rows
// begin at lines of memory, and so do lanes: as pairs of cells they are there twice, from an even and from an odd cell on.
//
// A zero times what is not finite would spoil taps that never met it: such arrays go another way.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "contractions.h"
#include "half_kernels.h"
#include "residues.h"

namespace tconv {

class HalfShift {
  public:
    explicit HalfShift(const Problem& problem);

    bool serves() const { return sums() <= kSums; }  // what HalfCorrelate serves
    double work() const;                // in cycles, of one thread
    PlanFacts facts() const;
    // False, and nothing done, where a number is not finite.
    bool run(const Half* fine, const Half* coarse, const HalfView& kernel) const;

  private:
    struct Side : ResidueSide {
        int64_t coarse;
    };
    struct Block {
        int64_t image, images, from, to;
    };
    // 16 lanes of a tap, which meet the fine cells of a residue so many cells after the coarse ones.
    struct Column {
        int64_t tap, strip, residue, shift;
    };
    int64_t sums() const { return rows_ * pitch_of_sums(); }
    int64_t pitch_of_sums() const { return problem_.taps() * lanes_; }
    int64_t shift(int axis, int64_t tap) const { return tap * problem_.axes[axis].dilation - problem_.axes[axis].lo; }
    int64_t cells() const { return images_ * cells_of(sides_); }
    int64_t pitch() const { return ceil_div(cells() + kDeepest, 2 * kDeepest) * 2 * kDeepest + kDeepest; }
    // Of a strip: coarse cells, zeros before them, and behind them.
    int64_t cells_of_strip() const { return ceil_div(cells(), kDeepest) * kDeepest + 2 * kLead + kDeepest; }
    std::vector<Block> blocks() const;
    std::vector<Column> columns() const;
    bool accumulate(const Block& block, const std::vector<Column>& columns, const Half* fine, const Half* coarse, float* sums,
                    bool fresh) const;
    bool lay_fine(const Block& block, const Half* fine, Half* rows) const;
    bool lay_coarse(const Block& block, const Half* coarse, Half* strips, int64_t& last) const;
    void store(const std::vector<Column>& columns, const float* sums, const HalfView& kernel) const;

    static constexpr int64_t kSplits = 16;
    static constexpr int64_t kLead = 2 * kDeepest;
    static constexpr int64_t kSums = (int64_t{512} << 10) / 4;

    const Problem& problem_;
    int64_t rows_, lanes_;              // fine and coarse channels, up to whole blocks
    int band_axis_ = 2;
    int64_t band_ = 1, images_ = 1;
    std::array<Side, 3> sides_;
};

}  // namespace tconv
