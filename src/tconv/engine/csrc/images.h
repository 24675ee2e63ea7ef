// Images whose channels lie first, as ones whose channels lie last, and back: rows become columns, image by image.
#pragma once

#include <cstdint>

#include "half_kernels.h"

namespace tconv {

// `images` times `rows` rows of `columns` numbers, as `columns` rows of `rows`; all lie side by side, nowhere in both arrays.
void turn_images(const float* from, int64_t images, int64_t rows, int64_t columns, float* to);
void turn_images(const Half* from, int64_t images, int64_t rows, int64_t columns, Half* to);

}  // namespace tconv
