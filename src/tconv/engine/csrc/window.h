// The part of a channels-last array that a block of outputs sees, with zeros where it reaches beyond the array.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace tconv {

struct Grid {
    std::array<int64_t, 3> sizes;
    int64_t channels;

    int64_t pixel() const { return channels; }
    int64_t row() const { return sizes[2] * channels; }
    int64_t plane() const { return sizes[1] * row(); }
    int64_t image() const { return sizes[0] * plane(); }
};

// Copies the cells [first, first + to.sizes) of one image; `to.channels` may exceed the source's (zeros there, too).
inline void copy_window(const float* source, const Grid& from, const std::array<int64_t, 3>& first, float* out,
                        const Grid& to) {
    const int64_t left = std::clamp<int64_t>(-first[2], 0, to.sizes[2]);
    const int64_t right = std::clamp<int64_t>(from.sizes[2] - first[2], left, to.sizes[2]);
    for (int64_t z = 0; z < to.sizes[0]; ++z)
        for (int64_t y = 0; y < to.sizes[1]; ++y, out += to.row()) {
            const int64_t sz = first[0] + z, sy = first[1] + y;
            if (sz < 0 || sz >= from.sizes[0] || sy < 0 || sy >= from.sizes[1] || right == left) {
                std::memset(out, 0, to.row() * sizeof(float));
                continue;
            }
            const float* in = source + sz * from.plane() + sy * from.row() + (first[2] + left) * from.pixel();
            std::memset(out, 0, left * to.pixel() * sizeof(float));
            if (from.channels == to.channels) {
                std::memcpy(out + left * to.pixel(), in, (right - left) * to.pixel() * sizeof(float));
            } else {
                for (int64_t x = left; x < right; ++x, in += from.pixel()) {
                    std::memcpy(out + x * to.pixel(), in, from.channels * sizeof(float));
                    std::memset(out + x * to.pixel() + from.channels, 0, (to.channels - from.channels) * sizeof(float));
                }
            }
            std::memset(out + right * to.pixel(), 0, (to.sizes[2] - right) * to.pixel() * sizeof(float));
        }
}

}  // namespace tconv
