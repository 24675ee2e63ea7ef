#include "kernel_view.h"

#include <algorithm>

#include "pool.h"

namespace tconv {
namespace {

constexpr int64_t kBlock = 16;  // floats in a line of memory

struct Block {
    int64_t tap, row, column, taps, rows, columns;
};

// Calls body(tap, row, column) for a block, counted from its corner, with the axis of the smallest step innermost.
template <typename Body>
void along_memory(const KernelView& view, const Block& block, Body body) {
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

void copy_kernel(const Problem& problem, const KernelView& from, const KernelView& to) {
    const int64_t rows = problem.rows(), columns = problem.coarse_channels, taps = problem.taps();
    const int64_t wide = ceil_div(columns, kBlock);
    parallel_for(ceil_div(rows, kBlock) * wide, [&](int64_t i) {
        float buffer[kBlock][kBlock][kBlock];
        const int64_t row = i / wide * kBlock, column = i % wide * kBlock;
        for (int64_t tap = 0; tap < taps; tap += kBlock) {
            const Block block{tap, row, column, std::min(kBlock, taps - tap), std::min(kBlock, rows - row),
                              std::min(kBlock, columns - column)};
            along_memory(from, block, [&](int64_t t, int64_t r, int64_t c) {
                buffer[t][r][c] = *from.at(tap + t, row + r, column + c);
            });
            along_memory(to, block, [&](int64_t t, int64_t r, int64_t c) {
                *to.at(tap + t, row + r, column + c) = buffer[t][r][c];
            });
        }
    });
}

}  // namespace tconv
