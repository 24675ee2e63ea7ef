// Blocks of images whose rows become columns. Included once for each instruction set.
#pragma once

#include "kernels.h"
#include "vector.h"

namespace tconv {
namespace {

template <bool Past>
inline void turn_square(const float* from, int64_t from_step, float* to, int64_t to_step) {
    Vector rows[kWidth];
    for (int i = 0; i < kWidth; ++i) rows[i] = load(from + i * from_step);
    transpose(rows);
    for (int i = 0; i < kWidth; ++i)
        if (Past) stream(to + i * to_step, rows[i]);
        else store(to + i * to_step, rows[i]);
}

// The last vectors of a row or a column may overlap those before them.
template <bool Past>
inline void turn_squares(const float* from, int64_t rows, int64_t columns, const Block& block, float* to) {
    for (int64_t c = block.column; c < block.to_column; c += kWidth) {
        const int64_t column = c + kWidth <= block.to_column ? c : block.to_column - kWidth;
        for (int64_t n = block.row; n < block.to_row; n += kWidth) {
            const int64_t row = n + kWidth <= block.to_row ? n : block.to_row - kWidth;
            turn_square<Past>(from + row * columns + column, columns, to + column * rows + row, rows);
        }
    }
}

// Fewer rows than a vector is long: what is stored beyond one place is overwritten by those after it. Returns the first column
// that is left.
inline int64_t turn_few_rows(const float* from, int64_t rows, int64_t columns, const Block& block, float* to) {
    int64_t c = block.column;
    for (; c + kWidth <= block.to_column && (c + kWidth - 1) * rows + kWidth <= block.to_column * rows; c += kWidth) {
        Vector lines[kWidth];
        for (int i = 0; i < kWidth; ++i) lines[i] = i < rows ? load(from + i * columns + c) : Vector{};
        transpose(lines);
        for (int i = 0; i < kWidth; ++i) store(to + (c + i) * rows, lines[i]);
    }
    return c;
}

// Fewer columns than a vector is long: what is read beyond one row are those after it. Returns the first row that is left.
inline int64_t turn_few_columns(const float* from, int64_t rows, int64_t columns, const Block& block, float* to) {
    int64_t n = block.row;
    for (; n + kWidth <= block.to_row && (n + kWidth - 1) * columns + kWidth <= rows * columns; n += kWidth) {
        Vector lines[kWidth];
        for (int i = 0; i < kWidth; ++i) lines[i] = load(from + (n + i) * columns);
        transpose(lines);
        for (int i = 0; i < kWidth; ++i)
            if (i < columns) store(to + i * rows + n, lines[i]);
    }
    return n;
}

void turn_block(const float* from, int64_t rows, int64_t columns, const Block& block, float* to, bool past) {
    const int64_t high = block.to_row - block.row, wide = block.to_column - block.column;
    if (high >= kWidth && wide >= kWidth) {
        if (past) turn_squares<true>(from, rows, columns, block, to);
        else turn_squares<false>(from, rows, columns, block, to);
        return;
    }
    Block left = block;
    if (rows < kWidth && high == rows) left.column = turn_few_rows(from, rows, columns, block, to);
    else if (columns < kWidth && wide == columns) left.row = turn_few_columns(from, rows, columns, block, to);
    for (int64_t c = left.column; c < left.to_column; ++c)
        for (int64_t n = left.row; n < left.to_row; ++n) to[c * rows + n] = from[n * columns + c];
}

}  // namespace
}  // namespace tconv
