// The kernel gradient of bfloat16 arrays: one matrix product whose depth is all places of all images. Its rows are coarse
// channels, turned so that their places lie side by side; its lanes are (tap, fine channel), where taps that lie side by
// side in the fine array are one run.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "contractions.h"
#include "half_kernels.h"
#include "scratch.h"

namespace tconv {

class HalfCorrelate {
  public:
    explicit HalfCorrelate(const Problem& problem);

    static bool serves(const Problem& problem) {
        return problem.groups == 1 && problem.batch * problem.coarse_cells() * problem.coarse_channels > 0 &&
               problem.fine_cells() * problem.fine_channels > 0;
    }

    double work() const;                // in cycles, of one thread
    PlanFacts facts() const;
    void run(const Half* fine, const Half* coarse, const HalfView& kernel) const;

  private:
    // A part of all places: their rows are laid out together.
    int64_t chunk_places(int64_t chunk) const { return std::min(chunk_, places_ - chunk * chunk_); }
    void lay_rows(int64_t chunk, const Half* coarse, Half* rows) const;
    void find_runs(int64_t chunk, int64_t segment, const Half* fine, Half* aside, std::vector<const Half*>& runs) const;
    void lay_strip(int64_t places, const std::vector<const Half*>& runs, int64_t lane, Half* out) const;
    void accumulate(int64_t split, int64_t from, int64_t to, const Half* fine, const Half* rows, float* sums,
                    int64_t pitch) const;
    void store(const float* sums, int64_t pitch, int64_t from, int64_t to, const HalfView& kernel) const;
    int64_t row_step() const { return chunk_ + kApart; }
    int64_t lanes() const { return segments_ * strips_ * kStrip; }

    static constexpr int64_t kApart = 32;   // rows a power of two apart would fall into the same few lines of the first cache

    const Problem& problem_;
    int64_t fine_channels_, coarse_channels_, padded_rows_;
    int64_t run_, segments_, strips_;       // numbers of a run; runs of a place; strips that one run takes
    int64_t run_taps_;                      // taps of a run
    int64_t places_, chunk_, chunks_, step_;
    int64_t splits_, groups_;               // fixed sums of chunks; jobs for the same chunks, each with some panels
};

}  // namespace tconv
