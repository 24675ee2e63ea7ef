// Rows of numbers become columns, by the vectors' own instructions.
#pragma once

#include <cstdint>

#include "half_kernels.h"

namespace tconv {

// `rows` rows of `columns` numbers, `from_step` apart, as `columns` rows of `rows`, `to_step` apart.
void turned(const float* from, int64_t from_step, int64_t rows, int64_t columns, float* to, int64_t to_step);

// The same; `to` is aligned as a float is, `to_step` even, and where `rows` is not, each row is followed by a zero.
void turned(const Half* from, int64_t from_step, int64_t rows, int64_t columns, Half* to, int64_t to_step);

}  // namespace tconv
