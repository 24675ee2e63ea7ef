// The kernel as `gather` reads it: panels of lanes, laid out all at once or part by part, or the numbers where they lie.
#pragma once

#include "gather_plan.h"
#include "kernel_view.h"

namespace tconv {

class GatherWeights {
  public:
    GatherWeights(const GatherPlan& plan, const KernelView& kernel) : plan_(plan), kernel_(kernel) {}

    // All of them, `plan.packed_floats`.
    void pack(float* packed) const;
    // Those of a panel and a run of taps: packed so, or where they lie.
    const float* at(const float* packed, const Pass& pass, int64_t panel, const Pass::Run& run) const;
    // A part's, for some panels, one after the other.
    void lay(const Pass& pass, const Part& part, int64_t panel, int64_t panels, float* out) const;

  private:
    // Some channels of one tap for some panels of one group, which lie `apart`; past: past the caches, in whole lines.
    struct Piece {
        const TapRun& run;
        int64_t tap, panel, panels, channel, channels;
        float* out;
        int64_t apart;
        bool past;
    };

    void pack_depthwise(float* packed) const;
    void pack_lanes(const Weights& weights, int64_t panel, float* out) const;
    void lay(const Piece& piece) const;
    const float* natural(const TapRun& run, int64_t tap, int64_t group, int64_t lane, int64_t channel) const;

    const GatherPlan& plan_;
    const KernelView& kernel_;
};

}  // namespace tconv
