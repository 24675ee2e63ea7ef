// The three contractions for bfloat16 arrays in channels-last layout: summed in float32, rounded once.
#pragma once

#include "contractions.h"
#include "half_kernels.h"

namespace tconv {

void conv_transpose(const Problem& problem, const Half* coarse, const HalfView& kernel, Half* fine,
                    const Finish& finish = {});

void conv(const Problem& problem, const Half* fine, const HalfView& kernel, Half* coarse, const Finish& finish = {});

// The same, left as they were summed.
void conv_transpose(const Problem& problem, const Half* coarse, const HalfView& kernel, float* fine);
void conv(const Problem& problem, const Half* fine, const HalfView& kernel, float* coarse);

void kernel_gradient(const Problem& problem, const Half* fine, const Half* coarse, const HalfView& kernel);

PlanFacts plan_facts_of_halves(const Problem& problem, bool transposed);
PlanFacts plan_facts_of_half_gradient(const Problem& problem);

// Whether products of such numbers go where they are fastest, or all one way: by themselves, or as float32 ones.
enum class HalfWay : int32_t { fastest, halves, singles };
HalfWay half_way();
void set_half_way(HalfWay way);

// Arrays as float32 ones, and back.
void widen(const Half* from, int64_t count, float* to);
void narrow(const float* from, int64_t count, Half* to);

}  // namespace tconv
