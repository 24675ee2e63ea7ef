// The kernel array in any memory order.
#pragma once

#include "problem.h"

namespace tconv {

// Element (tap, row, column) lies at tap * per_tap + row * per_row + column * per_column, with row a fine channel within
// its group and column a coarse channel.
struct KernelView {
    float* data;
    int64_t per_tap, per_row, per_column;

    float* at(int64_t tap, int64_t row, int64_t column) const {
        return data + tap * per_tap + row * per_row + column * per_column;
    }
};

// The order of the contractions: taps, rows, columns.
inline KernelView natural_view(const Problem& problem, float* data) {
    return {data, problem.rows() * problem.coarse_channels, problem.coarse_channels, 1};
}

// Copies a kernel into another order; every line of memory is read and written once.
void copy_kernel(const Problem& problem, const KernelView& from, const KernelView& to);

}  // namespace tconv
