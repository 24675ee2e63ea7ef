// Where places are few the kernel is the largest array by far. It is read, or written, but once and in the order of its
// memory: each of its rows, the numbers of one tap and one channel, is a run of numbers that factors go with.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "contractions.h"
#include "kernels.h"
#include "way.h"

namespace tconv {

// The cells that a tap joins, in all images: each a coarse one and a fine one.
struct Meetings {
    int64_t tap;
    std::vector<int64_t> coarse, fine;

    int64_t count() const { return static_cast<int64_t>(coarse.size()); }
};

// Of every tap; those of one residue of the stride, which reach the same fine cells, come one after the other.
std::vector<Meetings> meetings_of(const Problem& problem);

// How many numbers of a row are done at a time: so many that memory is read in long runs, and so few that their sums, or
// the cells that they are made of, stay in the second cache.
int64_t run_of(const std::vector<Meetings>& taps);

// What it costs to go through all rows, in multiply-adds of one vector.
double rows_work(const std::vector<Meetings>& taps, int64_t rows, int64_t lanes);

// What is to be said of either of the two, for rows of so many channels.
PlanFacts rows_facts(const std::vector<Meetings>& taps, int64_t channels, int64_t lanes);

// Whether places are so few, and rows so long, that this is to be thought of.
bool few_places(const Problem& problem, int64_t lanes);

// conv, by the kernel as it lies; conv_transpose, by a kernel that is laid out but once.
class RowsGather : public Way {
  public:
    // Null if the problem cannot be computed so, or not faster than by `direct` multiply-adds of one vector.
    static std::shared_ptr<const Way> of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                         bool frozen);

    int64_t packed_floats() const override { return transposed_ ? problem_.taps() * depth_ * lanes_ : 0; }
    void pack(const KernelView& kernel, float* packed) const override;
    void run(const float* input, const KernelView& kernel, const float* packed, float* output,
             const Finish& finish) const override;
    PlanFacts facts() const override;

  private:
    RowsGather(const Problem& problem, bool transposed, int64_t threads);
    void compute(int64_t first, int64_t count, const float* input, const KernelView& rows, float* output,
                 const Finish& finish) const;

    const Problem problem_;
    const bool transposed_;
    std::vector<Meetings> taps_;
    int64_t depth_, lanes_;           // input and output channels
    int64_t cells_;                   // of the output, in all images
    int64_t run_ = 0;                 // lanes that are computed together
};

class RowsCorrelate {
  public:
    static std::shared_ptr<const RowsCorrelate> of(const Problem& problem, double direct);

    void run(const float* fine, const float* coarse, const KernelView& kernel) const;
    PlanFacts facts() const;

  private:
    explicit RowsCorrelate(const Problem& problem);
    void rows_of(const Meetings& tap, int64_t first, int64_t count, const float* fine, const float* coarse,
                 const KernelView& kernel, bool streams) const;

    const Problem problem_;
    std::vector<Meetings> taps_;
    int64_t lanes_;                   // coarse channels
    int64_t run_ = 0;                 // those that are computed together
    bool streams_ = false;            // the kernel is larger than the caches, and its rows are whole lines
};

}  // namespace tconv
