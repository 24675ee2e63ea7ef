#include "kernel_view.h"

#include <algorithm>

#include "pool.h"

namespace tconv {
namespace {

constexpr int64_t kCorner = 16;  // floats in a line of memory

struct Block {
    int64_t tap, row, column, taps, rows, columns;
};

// Calls body(tap, row, column) for a block, counted from its corner, with the axis of the smallest step innermost.
template <typename Number, typename Body>
void along_memory(const KernelOf<Number>& view, const Block& block, Body body) {
    const auto loop = [&](int64_t outer, int64_t middle, int64_t inner, auto place) {
        for (int64_t i = 0; i < outer; ++i)
            for (int64_t j = 0; j < middle; ++j)
                for (int64_t k = 0; k < inner; ++k) place(i, j, k);
    };
    if (view.per_column == 1)
        loop(block.taps, block.rows, block.columns, [&](int64_t t, int64_t r, int64_t c) { body(t, r, c); });
    else if (view.per_row == 1)
        loop(block.columns, block.taps, block.rows, [&](int64_t c, int64_t t, int64_t r) { body(t, r, c); });
    else
        loop(block.columns, block.rows, block.taps, [&](int64_t c, int64_t r, int64_t t) { body(t, r, c); });
}

}  // namespace

template <typename Number>
void copy_kernel(const Problem& problem, const KernelOf<Number>& from, const KernelOf<Number>& to) {
    const int64_t rows = problem.rows(), columns = problem.coarse_channels, taps = problem.taps();
    const int64_t wide = ceil_div(columns, kCorner);
    parallel_for(ceil_div(rows, kCorner) * wide, [&](int64_t i) {
        Number buffer[kCorner][kCorner][kCorner];
        const int64_t row = i / wide * kCorner, column = i % wide * kCorner;
        for (int64_t tap = 0; tap < taps; tap += kCorner) {
            const Block block{tap, row, column, std::min(kCorner, taps - tap), std::min(kCorner, rows - row),
                              std::min(kCorner, columns - column)};
            along_memory(from, block, [&](int64_t t, int64_t r, int64_t c) {
                buffer[t][r][c] = *from.at(tap + t, row + r, column + c);
            });
            along_memory(to, block, [&](int64_t t, int64_t r, int64_t c) {
                *to.at(tap + t, row + r, column + c) = buffer[t][r][c];
            });
        }
    });
}

template void copy_kernel(const Problem&, const KernelView&, const KernelView&);
template void copy_kernel(const Problem&, const HalfView&, const HalfView&);

}  // namespace tconv
