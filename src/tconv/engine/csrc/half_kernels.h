// Matrix products of bfloat16 numbers, summed in float32, by the best instructions that the processor has for them.
#pragma once

#include <cstdint>

#include "finish.h"

namespace tconv {

using Half = uint16_t;             // the bits of a bfloat16 number: the upper half of a float32 one

constexpr int64_t kStrip = 16;     // lanes of a strip: 16 pairs of numbers are a line of memory
constexpr int64_t kBlock = 2 * kStrip;
constexpr int64_t kDeepest = 32;   // numbers of a row that one step takes at the most

// Numbers of a row that lie side by side.
struct HalfRun {
    int64_t at;                    // from the row's beginning
    int64_t depth;                 // a multiple of what one step takes
};

// Sums of a block, each over the runs of a row of `a` times a lane of `b`. A strip of `b` has two numbers of each of its
// lanes side by side, those at depths 2 i and 2 i + 1, and one line of memory for each i.
struct Product {
    const Half* a;                 // rows `a_step` apart; all of a block's are read, though they be idle
    int64_t a_step;
    const HalfRun* runs;
    int64_t count;                 // of runs
    const Half* b;                 // strips `b_step` apart
    int64_t b_step;
    float* sums;                   // rows `pitch` apart
    int64_t pitch;
    bool fresh;                    // whether they begin at zero; otherwise they are added to
    int rows, strips;              // 16 or 32, and 1 or 2
    int64_t a_apart = 0, b_apart = 0;  // from one part of the numbers to the next, where they have parts
};

// A float32 number is the sum of three bfloat16 ones. Of the products of two such sums those count whose parts have numbers
// up to two when they are added, from zero on; the others are less than a float32 number's rounding.
constexpr int64_t kParts = 3, kPairsOfParts = 6;

struct HalfKernels {
    const char* name;
    double products;               // in a cycle, about
    void (*begin)(int64_t step);   // of a thread's products: how many numbers of a row one step takes, even
    void (*product)(const Product&);
    void (*parts_product)(const Product&);  // of numbers that have parts: of all pairs of them that count
    void (*end)();
};

const HalfKernels& half_kernels();

// Rows of sums on their way to memory.
template <typename Number>
struct FinishedRows {
    const float* sums;
    int64_t pitch, rows, lanes;
    const float* bias;             // of the first lane, and a vector beyond the last; null: none
    Activation activation;
    float slope;
    Number* const* outs;           // where each row's first lane goes, before `to` is added; null: nowhere
    int64_t to;
    bool stream;                   // past the caches: whole lines of memory
};

}  // namespace tconv
