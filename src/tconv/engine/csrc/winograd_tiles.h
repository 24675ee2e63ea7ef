// The three transforms of Winograd's tiles, for a run of channels; compiled once for each instruction set.
//
// Along one axis of cells d, taps g and results y, with two or three taps and so three or two results:
//   cells     d0 - d2, d1 + d2, d2 - d1, d1 - d3
//   taps      g0, (g0 + g1 [+ g2]) / 2, (g0 - g1 [+ g2]) / 2, the last g
//   results   p0 + p1 + p2, p1 - p2 [- p3], [p1 + p2 - p3]
// In a gradient of the kernel the coarse cells take the taps' part and the taps that of the results.
#pragma once

#include "activate.h"
#include "kernels.h"
#include "vector.h"

namespace tconv {
namespace {

inline void transform_cells(const Vector (&d)[4], Vector (&out)[4]) {
    out[0] = d[0] - d[2], out[1] = d[1] + d[2], out[2] = d[2] - d[1], out[3] = d[1] - d[3];
}

template <int Taps>
inline void transform_taps(const Vector (&g)[Taps], Vector (&out)[4]) {
    const Vector ends = Taps == 3 ? g[0] + g[Taps - 1] : g[0], middle = g[1];
    out[0] = g[0], out[1] = 0.5f * (ends + middle), out[2] = 0.5f * (ends - middle), out[3] = g[Taps - 1];
}

template <int Results>
inline void transform_products(const Vector (&p)[4], Vector (&y)[Results]) {
    const Vector both = p[1] + p[2], apart = p[1] - p[2];
    y[0] = p[0] + both;
    y[1] = Results == 2 ? apart - p[3] : apart;
    if (Results == 3) y[Results - 1] = both - p[3];
}

// Row by row of the result, so that few vectors live at a time; each cell is read twice.
template <bool Whole>
inline void tile_cells_at(const float* corner, int64_t row, int64_t pixel, int64_t left, float* to, int64_t apart) {
    constexpr int kFirst[4] = {0, 1, 2, 1}, kSecond[4] = {2, 2, 1, 3};
    for (int i = 0; i < 4; ++i) {
        const float* first = corner + kFirst[i] * row;
        const float* second = corner + kSecond[i] * row;
        Vector cells[4], out[4];
        for (int j = 0; j < 4; ++j) {
            const Vector a = take<Whole>(first + j * pixel, left), b = take<Whole>(second + j * pixel, left);
            cells[j] = i == 1 ? a + b : a - b;
        }
        transform_cells(cells, out);
        for (int j = 0; j < 4; ++j) put<Whole>(to + (4 * i + j) * apart, out[j], left);
    }
}

void tile_cells(const float* corner, int64_t row, int64_t pixel, int64_t channels, float* to, int64_t apart) {
    int64_t c = 0;
    for (; c + kWidth <= channels; c += kWidth) tile_cells_at<true>(corner + c, row, pixel, kWidth, to + c, apart);
    if (c < channels) tile_cells_at<false>(corner + c, row, pixel, channels - c, to + c, apart);
}

template <int First, int Second, bool Whole>
inline void tile_taps_at(const float* const* taps, int64_t c, int64_t left, float* to, int64_t apart) {
    Vector half[4][Second];
    for (int j = 0; j < Second; ++j) {
        Vector g[First], out[4];
        for (int i = 0; i < First; ++i) {
            const float* tap = taps[i * Second + j];
            g[i] = tap ? take<Whole>(tap + c, left) : Vector{};
        }
        transform_taps<First>(g, out);
        for (int i = 0; i < 4; ++i) half[i][j] = out[i];
    }
    for (int i = 0; i < 4; ++i) {
        Vector out[4];
        transform_taps<Second>(half[i], out);
        for (int j = 0; j < 4; ++j) put<Whole>(to + (4 * i + j) * apart + c, out[j], left);
    }
}

template <int First, int Second>
void tile_taps(const float* const* taps, int64_t channels, float* to, int64_t apart) {
    int64_t c = 0;
    for (; c + kWidth <= channels; c += kWidth) tile_taps_at<First, Second, true>(taps, c, kWidth, to, apart);
    if (c < channels) tile_taps_at<First, Second, false>(taps, c, channels - c, to, apart);
}

// Long sums are made of parts, as those of `outer`.
template <int Rows, int Vectors>
inline void tile_product_rows(const TileProduct& job, int64_t first) {
    const float* cells = job.cells + first * job.step;
    const float* weights = job.weights;
    float* sums = job.sums + first * Vectors * kWidth;
    for (int64_t c = 0; c < job.depth;) {
        Vector sum[Rows][Vectors];
        clear(sum);
        const int64_t begin = c, stop = job.depth - c < job.chunk ? job.depth : c + job.chunk;
        for (; c < stop; ++c, weights += Vectors * kWidth) {
            Vector w[Vectors];
            for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * kWidth);
            for (int m = 0; m < Rows; ++m) {
                const float x = cells[m * job.step + c];
                for (int v = 0; v < Vectors; ++v) sum[m][v] += x * w[v];
            }
        }
        for (int m = 0; m < Rows; ++m)
            for (int v = 0; v < Vectors; ++v) {
                float* out = sums + (m * Vectors + v) * kWidth;
                store(out, begin ? load(out) + sum[m][v] : sum[m][v]);
            }
    }
}

template <int Rows, int Vectors>
void tile_product(const TileProduct& job) {
    int64_t t = 0;
    for (; t + Rows <= job.tiles; t += Rows) tile_product_rows<Rows, Vectors>(job, t);
    for (; t + 2 <= job.tiles; t += 2) tile_product_rows<2, Vectors>(job, t);
    if (t < job.tiles) tile_product_rows<1, Vectors>(job, t);
}

// Plain: without an activation, because a call for one would drive the numbers out of their registers.
template <int First, int Second, bool Whole, bool Plain>
inline void tile_results_at(const TileResults& job, int64_t c, int64_t left) {
    Vector half[First][4];
    for (int j = 0; j < 4; ++j) {
        Vector p[4], y[First];
        for (int i = 0; i < 4; ++i) p[i] = take<Whole>(job.products + (4 * i + j) * job.apart + c, left);
        transform_products<First>(p, y);
        for (int i = 0; i < First; ++i) half[i][j] = y[i];
    }
    const Vector bias = job.bias ? load(job.bias + c) : Vector{};
    for (int i = 0; i < First; ++i) {
        Vector y[Second];
        transform_products<Second>(half[i], y);
        for (int j = 0; j < Second; ++j) {
            if (i >= job.rows || j >= job.columns) continue;
            const Vector sum = y[j] + bias, result = Plain ? sum : activate(job.activation, job.slope, sum);
            float* const to = job.corner + i * job.row + j * job.pixel + c;
            if (Whole && job.stream) stream(to, result);
            else put<Whole>(to, result, left);
        }
    }
}

template <int First, int Second, bool Plain>
inline void tile_results_of(const TileResults& job) {
    int64_t c = 0;
    for (; c + kWidth <= job.channels; c += kWidth) tile_results_at<First, Second, true, Plain>(job, c, kWidth);
    if (c < job.channels) tile_results_at<First, Second, false, Plain>(job, c, job.channels - c);
}

template <int First, int Second>
void tile_results(const TileResults& job) {
    if (job.activation == Activation::none) tile_results_of<First, Second, true>(job);
    else tile_results_of<First, Second, false>(job);
}

}  // namespace
}  // namespace tconv
