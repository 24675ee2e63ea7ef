// A way to compute conv or conv_transpose other than by matrix products over places.
#pragma once

#include "contractions.h"
#include "kernels.h"

namespace tconv {

// Multiply-adds of one vector that a thread does in a cycle, about: costs are counted in one or the other.
constexpr double kVectorsInCycle = 1.5;

// What it costs to lay out so many floats of a kernel anew, in multiply-adds of one vector.
inline double packing(int64_t floats) { return 14.0 * static_cast<double>(floats) / kernels().width; }

class Way {
  public:
    virtual ~Way() = default;

    virtual int64_t packed_floats() const = 0;
    virtual void pack(const KernelView& kernel, float* packed) const = 0;
    virtual void run(const float* input, const KernelView& kernel, const float* packed, float* output,
                     const Finish& finish) const = 0;
    virtual PlanFacts facts() const = 0;
};

}  // namespace tconv
