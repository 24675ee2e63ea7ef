// Depthwise layers: lanes are channels, each with weights of its own. For sources that are compiled once for each instruction
// set.
#pragma once

#include "tiles.h"

namespace tconv {
namespace {

// Places of one tile: enough that fetching a column's weights is little beside them, and so few that their inputs find
// room in the first cache also where pixels lie a power of two apart. Without room for the weights, places go in groups.
constexpr int kDepthwiseRows = 16, kDepthwiseGroup = 4;

// A column of channels with few taps: their weights stay in registers while the places go by.
template <int Taps, int Vectors>
inline void depthwise_few(const Tile& tile, int64_t c) {
    Vector weights[Taps][Vectors], bias[Vectors];
    int64_t shifts[Taps];
    for (int t = 0; t < Taps; ++t) {
        shifts[t] = tile.shifts[t] + c;
        for (int v = 0; v < Vectors; ++v) weights[t][v] = load(tile.weights[t] + c + v * kWidth);
    }
    for (int v = 0; v < Vectors; ++v) bias[v] = tile.bias ? load(tile.bias + c + v * kWidth) : Vector{};
    for (int64_t m = 0; m < tile.count; ++m) {
        const float* row = tile.rows[m];
        float* out = tile.outs[m] + c;
        Vector sum[Vectors];
        for (int v = 0; v < Vectors; ++v) sum[v] = bias[v];
        for (int t = 0; t < Taps; ++t)
            for (int v = 0; v < Vectors; ++v) sum[v] += weights[t][v] * load(row + shifts[t] + v * kWidth);
        for (int v = 0; v < Vectors; ++v) store(out + v * kWidth, sum[v]);
    }
}

// Any number of taps, for some of the tile's places.
template <int Vectors, bool Whole>
inline void depthwise_column(const Tile& tile, int64_t first, int64_t c, int64_t left) {
    Vector sum[kDepthwiseGroup][Vectors];
    clear(sum);
    const float* row[kDepthwiseGroup];
    for (int m = 0; m < kDepthwiseGroup; ++m) row[m] = tile.rows[first + m] + c;
    for (int64_t t = 0; t < tile.taps; ++t) {
        const int64_t shift = tile.shifts[t];
        Vector w[Vectors];
        for (int v = 0; v < Vectors; ++v) w[v] = take<Whole>(tile.weights[t] + c + v * kWidth, left);
        for (int m = 0; m < kDepthwiseGroup; ++m)
            for (int v = 0; v < Vectors; ++v) sum[m][v] += w[v] * take<Whole>(row[m] + shift + v * kWidth, left);
    }
    for (int m = 0; m < kDepthwiseGroup; ++m)
        for (int v = 0; v < Vectors && first + m < tile.count; ++v)
            put<Whole>(tile.outs[first + m] + c + v * kWidth, finished(tile, sum[m][v], c + v * kWidth), left);
}

template <int Taps>
inline int64_t depthwise_columns(const Tile& tile) {
    constexpr int kVectors = 2 * Taps + 6 <= kRegisters ? 2 : 1;
    int64_t c = 0;
    for (; c + kVectors * kWidth <= tile.depth; c += kVectors * kWidth) depthwise_few<Taps, kVectors>(tile, c);
    for (; c + kWidth <= tile.depth; c += kWidth) depthwise_few<Taps, 1>(tile, c);
    return c;
}

// How many channels have been seen to.
int64_t depthwise_few(const Tile& tile) {
    if (tile.activation != Activation::none) return 0;  // a call for it would drive the weights out of their registers
    switch (tile.taps) {
        case 1: return depthwise_columns<1>(tile);
        case 2: return depthwise_columns<2>(tile);
        case 3: return depthwise_columns<3>(tile);
        case 4: return depthwise_columns<4>(tile);
        case 6: return depthwise_columns<6>(tile);
        case 8: return depthwise_columns<8>(tile);
        case 9: return depthwise_columns<9>(tile);
        default: return 0;
    }
}

void depthwise(const Tile& tile) {
    const int64_t begin = depthwise_few(tile);
    for (int64_t first = 0; begin < tile.depth && first < tile.count; first += kDepthwiseGroup) {
        int64_t c = begin;
        for (; c + 2 * kWidth <= tile.depth; c += 2 * kWidth) depthwise_column<2, true>(tile, first, c, 0);
        for (; c + kWidth <= tile.depth; c += kWidth) depthwise_column<1, true>(tile, first, c, 0);
        if (c < tile.depth) depthwise_column<1, false>(tile, first, c, tile.depth - c);
    }
}

constexpr int kDepthwiseTaps = 8;

// Here the rows of the tile are taps, and every channel of `a` meets the same channel of `b`.
template <bool Whole>
inline void depthwise_sums_column(const Sums& job, int64_t c, int64_t left) {
    Vector sum[kDepthwiseTaps] = {};
    for (int64_t i = 0; i < job.places; ++i) {
        const float* a = job.a + job.a_places[i] + c;
        const Vector y = take<Whole>(job.b + job.b_places[i] + c, left);
        for (int m = 0; m < kDepthwiseTaps; ++m) sum[m] += y * take<Whole>(a + job.offsets[m], left);
    }
    for (int m = 0; m < kDepthwiseTaps; ++m) {
        float* out = job.sums + m * job.pitch + c;
        put<Whole>(out, job.fresh ? sum[m] : take<Whole>(out, left) + sum[m], left);
    }
}

void depthwise_sums(const Sums& job, int64_t channels) {
    int64_t c = 0;
    for (; c + kWidth <= channels; c += kWidth) depthwise_sums_column<true>(job, c, kWidth);
    if (c < channels) depthwise_sums_column<false>(job, c, channels - c);
}

}  // namespace
}  // namespace tconv
