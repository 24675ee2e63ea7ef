// The kernel array in any memory order.
#pragma once

#include "half_kernels.h"
#include "problem.h"

namespace tconv {

// Element (tap, row, column) lies at tap * per_tap + row * per_row + column * per_column, with row a fine channel within
// its group and column a coarse channel.
template <typename Number>
struct KernelOf {
    Number* data;
    int64_t per_tap, per_row, per_column;

    Number* at(int64_t tap, int64_t row, int64_t column) const {
        return data + tap * per_tap + row * per_row + column * per_column;
    }
};

using KernelView = KernelOf<float>;
using HalfView = KernelOf<Half>;

// The order of the contractions: taps, rows, columns.
template <typename Number>
KernelOf<Number> natural_view(const Problem& problem, Number* data) {
    return {data, problem.rows() * problem.coarse_channels, problem.coarse_channels, 1};
}

// Copies a kernel into another order; every line of memory is read and written once.
template <typename Number>
void copy_kernel(const Problem& problem, const KernelOf<Number>& from, const KernelOf<Number>& to);

}  // namespace tconv
