// The kernel gradient of bfloat16 arrays of which one has few channels, as at either end of a network: its rows are taps of
// those channels, each a copy of their cells along the other array's places; its lanes are the other array's channels, its
// depth their places. The fine array may be either; where the coarse one has few channels, steps are of one cell.
//
// A zero times what is not finite would spoil taps that never met it: such arrays go another way.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "contractions.h"
#include "half_kernels.h"

namespace tconv {

class HalfTaps {
  public:
    HalfTaps(const Problem& problem, bool few_fine);

    bool serves() const;                // of what HalfCorrelate serves
    double work() const;                // in cycles, of one thread
    PlanFacts facts() const;
    // False, and nothing done, where a number of the array of many channels is not finite.
    bool run(const Half* fine, const Half* coarse, const HalfView& kernel) const;

  private:
    // A place of the array of many channels meets the other's cell at place * step + shift + tap * dilation.
    struct Side {
        int64_t places, cells, step, shift, dilation;
    };
    int64_t rows() const { return problem_.taps() * few_; }
    int64_t sums() const { return padded_rows_ * padded_lanes_; }
    int64_t places() const { return problem_.batch * sides_[0].places * sides_[1].places * sides_[2].places; }
    int64_t executed_places() const { return ceil_div(places(), kDeepest) * kDeepest; }
    int64_t chunks() const { return ceil_div(places(), kPlaces); }
    int64_t splits() const { return std::min(kSplits, chunks()); }
    void lay_rows(int64_t from, int64_t to, const Half* few, Half* rows) const;
    bool accumulate(int64_t split, const Half* many, const Half* few, float* sums) const;
    void store(const float* sums, const HalfView& kernel) const;

    static constexpr int64_t kPlaces = 512, kSplits = 16;
    static constexpr int64_t kRowStep = kPlaces + 32;  // a power of two apart they would fall into the same few lines of a cache

    const Problem& problem_;
    const bool few_fine_;
    const int64_t few_, many_;          // channels
    int64_t padded_rows_, padded_lanes_;
    std::array<Side, 3> sides_;
};

}  // namespace tconv
