// conv_transpose of two axes with few output channels, as it is told: each cell's channels times the whole kernel are one
// row of a matrix product, its stamp, and the stamps are added where they overlap. No lane is idle and no product is with
// zero, but each number of a stamp is stored and read once more.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "kernels.h"
#include "way.h"

namespace tconv {

class StampsGather : public Way {
  public:
    // Null if the problem cannot be computed so, or not faster than by `direct` multiply-adds of one vector.
    static std::shared_ptr<const Way> of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                         bool frozen);

    int64_t packed_floats() const override { return panels() * depth_ * width_; }
    void pack(const KernelView& kernel, float* packed) const override;
    void run(const float* input, const KernelView& kernel, const float* packed, float* output,
             const Finish& finish) const override;
    PlanFacts facts() const override;

  private:
    // One axis: a stamp is cut into blocks of `stride` cells, and a block of the result is the sum of one block of each
    // of as many stamps.
    struct Cut {
        int64_t kernel, stride, lo, coarse, fine;
        int64_t blocks() const { return ceil_div(kernel, stride); }
        int64_t first() const { return floor_div(lo, stride); }             // blocks of the result that are not cropped
        int64_t last() const { return floor_div(lo + fine - 1, stride); }
    };

    StampsGather(const Problem& problem, int64_t threads);
    double work() const;
    int64_t panels() const { return ceil_div(lanes_, width_); }
    int64_t pitch() const { return panels() * width_; }                   // floats of one stamp
    int64_t margin() const { return columns_.blocks() - 1; }              // cells without a stamp before and after a row
    int64_t row_floats() const { return (columns_.coarse + 2 * margin()) * pitch() + 16; }
    void compute(int64_t image, int64_t first, int64_t last, const float* input, const float* packed, float* output,
                 const Finish& finish) const;
    void stamp(const float* input, const float* packed, float* stamps) const;

    const Problem problem_;
    Cut rows_, columns_;
    int64_t depth_, lanes_;            // input channels; taps times output channels
    void (*tile_)(const Tile&) = nullptr;
    int64_t tile_rows_ = 0, width_ = 0;
    double step_ = 0;                  // what one channel of a tile takes, in multiply-adds of one vector
    int64_t band_ = 0;                 // blocks of rows that are computed together
};

}  // namespace tconv
