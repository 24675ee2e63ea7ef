// Float32 numbers as sums of three bfloat16 ones, whose products the processor does many times as fast: of the nine of two
// numbers six count, the others are less than a float32 number's rounding. Only finite numbers have such parts.
#pragma once

#include <memory>

#include "half_gather.h"
#include "use.h"
#include "way.h"

namespace tconv {

Use split();
void set_split(Use use);

class SplitGather : public Way {
  public:
    // Null if the problem cannot be computed so, or not faster than by `direct` multiply-adds of one vector.
    static std::shared_ptr<const Way> of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                         bool frozen);

    int64_t packed_floats() const override { return ceil_div(gather_.packed(), 2); }
    void pack(const KernelView& kernel, float* packed) const override;
    void run(const float* input, const KernelView& kernel, const float* packed, float* output,
             const Finish& finish) const override;
    PlanFacts facts() const override;

  private:
    SplitGather(const Problem& problem, bool transposed, int64_t threads);

    const Problem problem_;
    const HalfGather gather_;
};

}  // namespace tconv
