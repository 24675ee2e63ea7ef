// Places of a grid in the order of memory, line by line along its last axis.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tconv {

// Places that follow one another, from the one at (z, y, x) of an image's grid on.
struct Line {
    int64_t image, z, y, x, count;
};

inline std::vector<Line> lines_of(const std::array<int64_t, 3>& grid, int64_t from, int64_t to) {
    std::vector<Line> all;
    for (int64_t m = from; m < to; m += all.back().count) {
        const int64_t x = m % grid[2], line = m / grid[2], plane = line / grid[1];
        all.push_back({plane / grid[0], plane % grid[0], line % grid[1], x, std::min(grid[2] - x, to - m)});
    }
    return all;
}

}  // namespace tconv
