// Tiles of outputs: lanes are outputs and inputs are broadcast, or lanes are channels that are added up at the end. For sources
// that are compiled once for each instruction set.
#pragma once

#include "activate.h"
#include "kernels.h"
#include "vector.h"

namespace tconv {
namespace {

// A tile's sums on their way to memory; `lane` counts from the tile's first.
inline Vector finished(const Tile& tile, Vector sum, int64_t lane) {
    return activate(tile.activation, tile.slope, tile.bias ? sum + load(tile.bias + lane) : sum);
}

// A whole tile without an activation: a call for one, even if not taken, would drive the sums out of their registers.
template <int Rows, int Vectors>
inline void put_plain(const Tile& tile, const Vector (&sum)[Rows][Vectors]) {
    for (int v = 0; v < Vectors; ++v) {
        const Vector bias = tile.bias ? load(tile.bias + v * kWidth) : Vector{};
        for (int m = 0; m < Rows; ++m) {
            float* out = tile.outs[m] + (tile.to + v * kWidth);
            if (tile.stream) stream(out, sum[m][v] + bias);
            else store(out, sum[m][v] + bias);
        }
    }
}

// As many rows as leave room for the weights of one step and a broadcast; eight pointers are what fits beside them.
constexpr int rows_for(int vectors) {
    const int rows = (kRegisters - vectors - 1) / vectors;
    return rows > 8 ? 8 : rows;
}

// Many short sums lose less to rounding than a long one: of a long one, the parts before the latest lie aside, in memory.
template <int Rows, int Vectors>
class Aside {
  public:
    explicit Aside(const Tile& tile) : sums_(tile.sums ? tile.sums : own_), any_(tile.sums && !tile.begins) {
        in_memory(own_);
    }

    void join(Vector (&now)[Rows][Vectors]) const {
        if (!any_) return;
        for (int m = 0; m < Rows; ++m)
            for (int v = 0; v < Vectors; ++v) now[m][v] = load(sums_ + (m * Vectors + v) * kWidth) + now[m][v];
    }
    void put(Vector (&now)[Rows][Vectors]) {
        join(now);
        for (int m = 0; m < Rows; ++m)
            for (int v = 0; v < Vectors; ++v) store(sums_ + (m * Vectors + v) * kWidth, now[m][v]);
        clear(now);
        any_ = true;
    }

  private:
    float own_[Rows * Vectors * kWidth];
    float* const sums_;
    bool any_;
};

template <int Rows, int Vectors>
void outer_rows(const Tile& tile) {
    Vector sum[Rows][Vectors];
    clear(sum);
    Aside<Rows, Vectors> aside(tile);
    const int64_t depth = tile.depth, step = tile.step;
    int64_t room = tile.chunk;
    const float* next = Vectors >= kFetching ? tile.next : nullptr;
    for (int64_t t = 0; t < tile.taps; ++t) {
        const float* weights = tile.weights[t];
        const float* row[Rows];
        for (int m = 0; m < Rows; ++m) row[m] = tile.rows[m] + (tile.from + tile.shifts[t]);
        for (int64_t c = 0; c < depth;) {
            if (room == 0) aside.put(sum), room = tile.chunk;
            const int64_t stop = depth - c < room ? depth : c + room;
            room -= stop - c;
            for (; c < stop; ++c, weights += step) {
                if (next) {
                    __builtin_prefetch(next, 0, 2), __builtin_prefetch(next + kAhead / 2, 0, 2);
                    next += kAhead;
                }
                Vector w[Vectors];
                for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * kWidth);
                for (int m = 0; m < Rows; ++m) {
                    const float x = row[m][c];
                    for (int v = 0; v < Vectors; ++v) sum[m][v] += x * w[v];
                }
            }
        }
    }
    if (tile.sums && !tile.ends) return aside.put(sum);
    aside.join(sum);
    if (tile.lanes == Vectors * kWidth && tile.count == Rows) {
        if (tile.activation == Activation::none) return put_plain(tile, sum);
        for (int m = 0; m < Rows; ++m)
            for (int v = 0; v < Vectors; ++v) {
                float* out = tile.outs[m] + (tile.to + v * kWidth);
                const Vector value = finished(tile, sum[m][v], v * kWidth);
                if (tile.stream) stream(out, value);
                else store(out, value);
            }
        return;
    }
    for (int m = 0; m < Rows; ++m) {
        if (m >= tile.count) return;
        for (int v = 0; v < Vectors; ++v) {
            const int64_t left = tile.lanes - v * kWidth;
            if (left <= 0) break;
            const Vector value = finished(tile, sum[m][v], v * kWidth);
            if (left >= kWidth) store(tile.outs[m] + (tile.to + v * kWidth), value);
            else store_some(tile.outs[m] + (tile.to + v * kWidth), value, left);
        }
    }
}

// The last places of a run are seldom as many as a tile has room for.
template <int Rows, int Vectors>
void outer(const Tile& tile) {
    constexpr int kSome = some_rows(Rows), kFew = few_rows(Rows);
    if (tile.count > kSome) return outer_rows<Rows, Vectors>(tile);
    if (tile.count > kFew) return outer_rows<kSome, Vectors>(tile);
    outer_rows<kFew, Vectors>(tile);
}

// The totals of a tile's sums, finished by vectors and stored one by one.
template <int Rows, int Lanes>
inline void put_totals(const Tile& tile, const Vector (&sum)[Rows][Lanes]) {
    constexpr int kAll = Rows * Lanes, kVectors = (kAll + kWidth - 1) / kWidth;
    float results[kVectors * kWidth], bias[kVectors * kWidth];
    if (tile.bias)
        for (int i = 0; i < kVectors * kWidth; ++i) bias[i] = tile.bias[i % Lanes];
#pragma GCC unroll 24
    for (int v = 0; v < kVectors; ++v) {
        Vector some[kWidth];
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; ++i) {
            const int at = v * kWidth + i;
            some[i] = at < kAll ? sum[at / Lanes][at % Lanes] : Vector{};
        }
        const Vector all = totals(some);
        const Vector biased = tile.bias ? all + load(bias + v * kWidth) : all;
        store(results + v * kWidth, activate(tile.activation, tile.slope, biased));
    }
    const int64_t lanes = Lanes < tile.lanes ? Lanes : tile.lanes;
    for (int64_t m = 0; m < Rows && m < tile.count; ++m)
        for (int64_t n = 0; n < lanes; ++n) tile.outs[m][tile.to + n] = results[m * Lanes + n];
}

template <int Rows, int Lanes>
void dot(const Tile& tile) {
    Vector sum[Rows][Lanes];
    clear(sum);
    const int64_t whole = tile.depth / kWidth * kWidth, rest = tile.depth - whole;
    for (int64_t t = 0; t < tile.taps; ++t) {
        const float* row[Rows];
        const float* lane[Lanes];
        for (int m = 0; m < Rows; ++m) row[m] = tile.rows[m] + (tile.from + tile.shifts[t]);
        for (int n = 0; n < Lanes; ++n) lane[n] = tile.weights[t] + (n < tile.lanes ? n : 0) * tile.step;
        for (int64_t c = 0; c < whole; c += kWidth) {
            Vector w[Lanes];
            for (int n = 0; n < Lanes; ++n) w[n] = load(lane[n] + c);
            for (int m = 0; m < Rows; ++m) {
                const Vector x = load(row[m] + c);
                for (int n = 0; n < Lanes; ++n) sum[m][n] += x * w[n];
            }
        }
        if (!rest) continue;
        if (whole) {
            for (int m = 0; m < Rows; ++m) {
                const Vector x = load_end(row[m] + tile.depth, rest);
                for (int n = 0; n < Lanes; ++n) sum[m][n] += x * load_end(lane[n] + tile.depth, rest);
            }
            continue;
        }
        for (int m = 0; m < Rows; ++m) {
            const Vector x = load_some(row[m] + whole, rest);
            for (int n = 0; n < Lanes; ++n) sum[m][n] += x * load_some(lane[n] + whole, rest);
        }
    }
    put_totals(tile, sum);
}

constexpr int dot_rows(int lanes) {
    const int rows = (kRegisters - lanes - 1) / lanes;
    return rows > 8 ? 8 : rows;
}

}  // namespace
}  // namespace tconv
