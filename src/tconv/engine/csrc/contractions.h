// The three contractions, for float32 arrays in channels-last layout.
#pragma once

#include "finish.h"
#include "kernel_view.h"

namespace tconv {

// Every coarse cell stamps its kernel onto the fine grid: coarse (N, *coarse, C) to fine (N, *fine, D).
void conv_transpose(const Problem& problem, const float* coarse, const KernelView& kernel, float* fine,
                    const Finish& finish = {});

// Every coarse cell collects from the fine cells under its kernel: fine (N, *fine, D) to coarse (N, *coarse, C).
void conv(const Problem& problem, const float* fine, const KernelView& kernel, float* coarse,
          const Finish& finish = {});

// How often each tap joined a fine and a coarse cell, weighted by both.
void kernel_gradient(const Problem& problem, const float* fine, const float* coarse, const KernelView& kernel);

}  // namespace tconv
