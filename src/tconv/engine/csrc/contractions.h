// The three contractions, for float32 arrays in channels-last layout.
#pragma once

#include "finish.h"
#include "kernel_view.h"
#include "layouts.h"

namespace tconv {

// Every coarse cell stamps its kernel onto the fine grid: coarse (N, *coarse, C) to fine (N, *fine, D). With layouts, the
// kernel is one that never changes, and how it is laid out is kept there.
void conv_transpose(const Problem& problem, const float* coarse, const KernelView& kernel, float* fine,
                    const Finish& finish = {}, Layouts* layouts = nullptr);

// Every coarse cell collects from the fine cells under its kernel: fine (N, *fine, D) to coarse (N, *coarse, C).
void conv(const Problem& problem, const float* fine, const KernelView& kernel, float* coarse,
          const Finish& finish = {}, Layouts* layouts = nullptr);

// How often each tap joined a fine and a coarse cell, weighted by both.
void kernel_gradient(const Problem& problem, const float* fine, const float* coarse, const KernelView& kernel);

// What one of them will do, in numbers, for whoever asks.
struct PlanFacts {
    const char* form = "";
    int64_t tile_rows = 0, tile_lanes = 0;  // sums that one micro-kernel keeps in registers
    int64_t products = 0;                   // matrix products
    int64_t executed = 0;                   // multiply-adds, those of idle lanes and rows and with zeros included
    int64_t packed_floats = 0;              // of the kernel, laid out anew in each call
    bool in_parts = false;                  // whether that is done part by part, where each is needed
    bool copies = false;                    // whether arrays are copied, with zeros around them
    bool streams = false;                   // whether the result is stored past the caches
    int64_t blocks = 0;                     // pieces of work for the threads
};

PlanFacts plan_facts(const Problem& problem, bool transposed);
PlanFacts plan_facts_of_gradient(const Problem& problem);

}  // namespace tconv
