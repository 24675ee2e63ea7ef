// A problem as the Python side writes it down (engine.numbers), widened to three axes.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>

namespace tconv {

struct Axis {
    int64_t kernel = 1, stride = 1, dilation = 1, lo = 0, coarse = 1, fine = 1;
};

struct Problem {
    int64_t batch, coarse_channels, fine_channels, groups;
    std::array<Axis, 3> axes;

    Problem(const int64_t* numbers, int64_t count) {
        const int64_t rank = count > 0 ? numbers[0] : 0;
        if (rank < 1 || rank > 3 || count != 5 + 6 * rank) throw std::invalid_argument("malformed problem");
        batch = numbers[1], coarse_channels = numbers[2], fine_channels = numbers[3], groups = numbers[4];
        for (int64_t i = 0; i < rank; ++i) {
            const int64_t* row = numbers + 5 + 6 * i;
            axes[3 - rank + i] = {row[0], row[1], row[2], row[3], row[4], row[5]};
        }
    }

    int64_t rows() const { return fine_channels / groups; }  // of the kernel: fine channels of one group
    int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
    int64_t coarse_cells() const { return axes[0].coarse * axes[1].coarse * axes[2].coarse; }
    int64_t fine_cells() const { return axes[0].fine * axes[1].fine * axes[2].fine; }
    bool depthwise() const { return groups > 1 && coarse_channels == groups && fine_channels == groups; }
};

inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
inline int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

// A sum's error grows with its length, so a long one is made of equal parts; each costs the time of some ten products.
inline int64_t part_of_sum(int64_t products) {
    constexpr int64_t kWhole = 384, kPart = 256;
    return products <= kWhole ? kWhole : ceil_div(products, ceil_div(products, kPart));
}

}  // namespace tconv
