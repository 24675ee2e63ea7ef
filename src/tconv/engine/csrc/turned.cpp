#include "turned.h"

#include <algorithm>
#include <array>

#include "kernels.h"
#include "problem.h"
#include "streaming.h"

namespace tconv {

void turned(const float* from, int64_t from_step, int64_t rows, int64_t columns, float* to, int64_t to_step) {
    kernels().turn(from, from_step, rows, columns, to, to_step);
}

// Pairs of rows are turned as words, a block at a time.
void turned(const Half* from, int64_t from_step, int64_t rows, int64_t columns, Half* to, int64_t to_step) {
    constexpr int64_t kPairs = 32, kColumns = 128;
    static constexpr std::array<Half, kColumns> kZeros{};
    alignas(kLine) std::array<uint32_t, kPairs * kColumns> words;
    const int64_t pairs = ceil_div(rows, 2);
    for (int64_t column = 0; column < columns; column += kColumns)
        for (int64_t first = 0; first < pairs; first += kPairs) {
            const int64_t some = std::min(kColumns, columns - column), count = std::min(kPairs, pairs - first);
            for (int64_t i = 0; i < count; ++i) {
                const Half* row = from + 2 * (first + i) * from_step + column;
                const bool alone = 2 * (first + i) + 1 == rows;
                kernels().pair(row, alone ? kZeros.data() : row + from_step, some,
                               reinterpret_cast<Half*>(words.data() + i * kColumns), 2 * kStrip);
            }
            kernels().turn(reinterpret_cast<const float*>(words.data()), kColumns, count, some,
                           reinterpret_cast<float*>(to + column * to_step + 2 * first), to_step / 2);
        }
}

}  // namespace tconv
