// Compiled once for each instruction set, with TCONV_ISA naming it; the vector width follows from the compiler's flags.
// Nothing here may be shared with other translation units (no standard library): a linker would keep one version of it.
#include "activate.h"
#include "kernels.h"
#include "vector.h"

namespace tconv {
namespace {

// A tile's sums on their way to memory; `lane` counts from the tile's first.
inline Vector finished(const Tile& tile, Vector sum, int64_t lane) {
    return activate(tile.activation, tile.slope, tile.bias ? sum + load(tile.bias + lane) : sum);
}

// As many rows as leave room for the weights of one step and a broadcast; eight pointers are what fits beside them.
constexpr int rows_for(int vectors) {
    const int rows = (kRegisters - vectors - 1) / vectors;
    return rows > 8 ? 8 : rows;
}

template <int Rows, int Vectors>
void outer(const Tile& tile) {
    Vector sum[Rows][Vectors] = {};
    const int64_t depth = tile.depth, step = tile.step;
    for (int64_t t = 0; t < tile.taps; ++t) {
        const float* weights = tile.weights[t];
        const float* row[Rows];
        for (int m = 0; m < Rows; ++m) row[m] = tile.rows[m] + (tile.from + tile.shifts[t]);
        for (int64_t c = 0; c < depth; ++c, weights += step) {
            Vector w[Vectors];
            for (int v = 0; v < Vectors; ++v) w[v] = load(weights + v * kWidth);
            for (int m = 0; m < Rows; ++m) {
                const float x = row[m][c];
                for (int v = 0; v < Vectors; ++v) sum[m][v] += x * w[v];
            }
        }
    }
    if (tile.lanes == Vectors * kWidth && tile.count == Rows) {
        for (int m = 0; m < Rows; ++m)
            for (int v = 0; v < Vectors; ++v)
                store(tile.outs[m] + (tile.to + v * kWidth), finished(tile, sum[m][v], v * kWidth));
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

template <int Rows, int Lanes>
void dot(const Tile& tile) {
    Vector sum[Rows][Lanes] = {};
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
    const int64_t lanes = Lanes < tile.lanes ? Lanes : tile.lanes;
    for (int m = 0; m < Rows && m < tile.count; ++m) {
        constexpr int kVectors = (Lanes + kWidth - 1) / kWidth;
        float totals[kVectors * kWidth] = {};
        for (int n = 0; n < Lanes; ++n) totals[n] = total(sum[m][n]);
        for (int64_t n = 0; n < lanes; n += kWidth)
            store_some(tile.outs[m] + tile.to + n, finished(tile, load(totals + n), n),
                       lanes - n < kWidth ? lanes - n : kWidth);
    }
}

template <int Rows, int Vectors>
void sums(const Sums& job) {
    Vector sum[Rows][Vectors] = {};
    for (int m = 0; m < Rows && !job.fresh; ++m)
        for (int v = 0; v < Vectors; ++v) sum[m][v] = load(job.sums + m * job.pitch + v * kWidth);
    const float* a[Rows];
    for (int m = 0; m < Rows; ++m) a[m] = job.a + job.offsets[m];
    for (int64_t i = 0; i < job.places; ++i) {
        const int64_t at = job.a_places[i];
        const float* b = job.b + job.b_places[i];
        Vector w[Vectors];
        for (int v = 0; v < Vectors; ++v) w[v] = load(b + v * kWidth);
        for (int m = 0; m < Rows; ++m) {
            const float x = a[m][at];
            for (int v = 0; v < Vectors; ++v) sum[m][v] += x * w[v];
        }
    }
    for (int m = 0; m < Rows; ++m)
        for (int v = 0; v < Vectors; ++v) store(job.sums + m * job.pitch + v * kWidth, sum[m][v]);
}

// Whole: the vector's channels are all there; otherwise the first `left` of them.
template <bool Whole>
inline Vector take(const float* p, int64_t left) {
    return Whole ? load(p) : load_some(p, left);
}

template <bool Whole>
inline void put(float* p, Vector v, int64_t left) {
    if (Whole) store(p, v);
    else store_some(p, v, left);
}

constexpr int kDepthwiseRows = 8;

template <bool Whole>
inline void depthwise_column(const Tile& tile, int64_t c, int64_t left) {
    Vector sum[kDepthwiseRows] = {};
    for (int64_t t = 0; t < tile.taps; ++t) {
        const Vector w = take<Whole>(tile.weights[t] + c, left);
        const int64_t shift = tile.shifts[t] + c;
        for (int m = 0; m < kDepthwiseRows; ++m) sum[m] += w * take<Whole>(tile.rows[m] + shift, left);
    }
    for (int m = 0; m < kDepthwiseRows; ++m)
        if (m < tile.count) put<Whole>(tile.outs[m] + c, finished(tile, sum[m], c), left);
}

void depthwise(const Tile& tile) {
    int64_t c = 0;
    for (; c + kWidth <= tile.depth; c += kWidth) depthwise_column<true>(tile, c, kWidth);
    if (c < tile.depth) depthwise_column<false>(tile, c, tile.depth - c);
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

// `lanes` rows of `depth` floats, `from_step` apart, as `depth` rows of `lanes`, `to_step` apart.
void turn(const float* from, int64_t from_step, int64_t lanes, int64_t depth, float* to, int64_t to_step) {
    const int64_t whole_lanes = lanes / kWidth * kWidth, whole = depth / kWidth * kWidth;
    for (int64_t n = 0; n < whole_lanes; n += kWidth)
        for (int64_t c = 0; c < whole; c += kWidth) {
            Vector rows[kWidth];
            for (int i = 0; i < kWidth; ++i) rows[i] = load(from + (n + i) * from_step + c);
            transpose(rows);
            for (int i = 0; i < kWidth; ++i) store(to + (c + i) * to_step + n, rows[i]);
        }
    for (int64_t n = 0; n < lanes; ++n)
        for (int64_t c = n < whole_lanes ? whole : 0; c < depth; ++c) to[c * to_step + n] = from[n * from_step + c];
}

constexpr int dot_rows(int lanes) {
    const int rows = (kRegisters - lanes - 1) / lanes;
    return rows > 8 ? 8 : rows;
}

#define TCONV_TEXT_(x) #x
#define TCONV_TEXT(x) TCONV_TEXT_(x)

constexpr Kernels kTable = {
    TCONV_TEXT(TCONV_ISA),
    kWidth,
    {{rows_for(1), kWidth}, {rows_for(2), 2 * kWidth}, {rows_for(3), 3 * kWidth}},
    {outer<rows_for(1), 1>, outer<rows_for(2), 2>, outer<rows_for(3), 3>},
    {{dot_rows(1), 1}, {dot_rows(2), 2}, {dot_rows(3), 3}, {1, 6}},
    {dot<dot_rows(1), 1>, dot<dot_rows(2), 2>, dot<dot_rows(3), 3>, dot<1, 6>},
    {{rows_for(1), kWidth}, {rows_for(2), 2 * kWidth}, {rows_for(3), 3 * kWidth}, {2, 6 * kWidth}, {1, 6 * kWidth}},
    {sums<rows_for(1), 1>, sums<rows_for(2), 2>, sums<rows_for(3), 3>, sums<2, 6>, sums<1, 6>},
    kDepthwiseRows,
    depthwise,
    depthwise_sums,
    turn,
};

}  // namespace

#define TCONV_JOIN_(a, b) a##b
#define TCONV_JOIN(a, b) TCONV_JOIN_(a, b)

extern const Kernels* const TCONV_JOIN(kernels_, TCONV_ISA);
const Kernels* const TCONV_JOIN(kernels_, TCONV_ISA) = &kTable;

}  // namespace tconv
