#include "images.h"

#include <algorithm>

#include "caches.h"
#include "kernels.h"
#include "pool.h"
#include "problem.h"
#include "streaming.h"
#include "turned.h"

namespace tconv {
namespace {

constexpr int64_t kPart = 1 << 14;           // numbers of a piece of work
constexpr int64_t kLeast = 64, kWhole = 16;  // rows or columns of one at the least, and a multiple of which they are

// Calls run(image, part) with parts of the longer side of each image, small images several at a time.
template <typename Run>
void in_parts(int64_t images, int64_t rows, int64_t columns, const Run& run) {
    const int64_t longer = std::max(rows, columns), size = rows * columns;
    if (images == 0 || size == 0) return;
    const int64_t parts = std::clamp<int64_t>(size / kPart, 1, std::max<int64_t>(1, longer / kLeast));
    const int64_t together = std::max<int64_t>(1, kPart / size);
    parallel_for(ceil_div(images, together) * parts, [&](int64_t i) {
        const int64_t first = i / parts * together, part = i % parts;
        const int64_t begin = part * longer / parts / kWhole * kWhole;
        const int64_t end = part + 1 == parts ? longer : (part + 1) * longer / parts / kWhole * kWhole;
        for (int64_t image = first; image < std::min(images, first + together); ++image)
            if (columns >= rows) run(image * size, Block{0, rows, begin, end});
            else run(image * size, Block{begin, end, 0, columns});
    });
}

}  // namespace

void turn_images(const float* from, int64_t images, int64_t rows, int64_t columns, float* to) {
    const int64_t bytes = images * rows * columns * static_cast<int64_t>(sizeof(float));
    const bool lines = reinterpret_cast<uintptr_t>(to) % kLine == 0 && rows * sizeof(float) % kLine == 0;
    const bool past = lines && bytes >= streams_from();
    in_parts(images, rows, columns, [&](int64_t at, const Block& block) {
        kernels().turn_block(from + at, rows, columns, block, to + at, past);
        if (past) settle();
    });
}

// Pairs of rows go as words, where words they are.
void turn_images(const Half* from, int64_t images, int64_t rows, int64_t columns, Half* to) {
    const bool words = rows % 2 == 0 && reinterpret_cast<uintptr_t>(to) % (2 * sizeof(Half)) == 0;
    in_parts(images, rows, columns, [&](int64_t at, const Block& b) {
        if (words)
            return turned(from + at + b.row * columns + b.column, columns, b.to_row - b.row, b.to_column - b.column,
                          to + at + b.column * rows + b.row, rows);
        for (int64_t c = b.column; c < b.to_column; ++c)
            for (int64_t n = b.row; n < b.to_row; ++n) to[at + c * rows + n] = from[at + n * columns + c];
    });
}

}  // namespace tconv
