// Compiled once for each instruction set, with TCONV_ISA naming it; the vector width follows from the compiler's flags.
// Nothing here may be shared with other translation units (no standard library): a linker would keep one version of it.
#include "activate.h"
#include "half_sums.h"
#include "kernels.h"
#include "row_sums.h"
#include "vector.h"
#include "winograd_tiles.h"

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
    for (int64_t t = 0; t < tile.taps; ++t) {
        const float* weights = tile.weights[t];
        const float* row[Rows];
        for (int m = 0; m < Rows; ++m) row[m] = tile.rows[m] + (tile.from + tile.shifts[t]);
        for (int64_t c = 0; c < depth;) {
            if (room == 0) aside.put(sum), room = tile.chunk;
            const int64_t stop = depth - c < room ? depth : c + room;
            room -= stop - c;
            for (; c < stop; ++c, weights += step) {
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

// As many rows as leave room for one number of each beside one vector, where the vectors are more than the rows.
constexpr int low_rows_for(int vectors) { return (kRegisters - 1) / (vectors + 1); }

template <int Rows, int Vectors>
void sums(const Sums& job) {
    Vector sum[Rows][Vectors];
    clear(sum);
    const float* a[Rows];
    for (int m = 0; m < Rows; ++m) a[m] = job.a + job.offsets[m];
    for (int64_t i = 0; i < job.places; ++i) {
        const int64_t at = job.a_places[i];
        const float* b = job.b + job.b_places[i];
        if constexpr (Rows < Vectors) {  // the fewer of the two wait in registers
            Vector x[Rows];
            for (int m = 0; m < Rows; ++m) x[m] = a[m][at] - Vector{};
            for (int v = 0; v < Vectors; ++v) {
                const Vector w = loaded(b + v * kWidth);
                for (int m = 0; m < Rows; ++m) sum[m][v] += x[m] * w;
            }
            continue;
        }
        Vector w[Vectors];
        for (int v = 0; v < Vectors; ++v) w[v] = load(b + v * kWidth);
        for (int m = 0; m < Rows; ++m) {
            const float x = a[m][at];
            for (int v = 0; v < Vectors; ++v) sum[m][v] += x * w[v];
        }
    }
    for (int m = 0; m < Rows; ++m)
        for (int v = 0; v < Vectors; ++v) {
            float* out = job.sums + m * job.pitch + v * kWidth;
            store(out, job.fresh ? sum[m][v] : load(out) + sum[m][v]);
        }
}

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

// `lanes` rows of `depth` floats, `from_step` apart, as `depth` rows of `lanes`, `to_step` apart.
template <bool Stream>
void turn(const float* from, int64_t from_step, int64_t lanes, int64_t depth, float* to, int64_t to_step) {
    const int64_t whole_lanes = lanes / kWidth * kWidth, whole = depth / kWidth * kWidth;
    for (int64_t n = 0; n < whole_lanes; n += kWidth)
        for (int64_t c = 0; c < whole; c += kWidth) {
            Vector rows[kWidth];
            for (int i = 0; i < kWidth; ++i) rows[i] = load(from + (n + i) * from_step + c);
            transpose(rows);
            for (int i = 0; i < kWidth; ++i) {
                float* out = to + (c + i) * to_step + n;
                if (Stream) stream(out, rows[i]);
                else store(out, rows[i]);
            }
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
    {{rows_for(1), kWidth}, {rows_for(2), 2 * kWidth}, {rows_for(3), 3 * kWidth}, {rows_for(4), 4 * kWidth}},
    {outer<rows_for(1), 1>, outer<rows_for(2), 2>, outer<rows_for(3), 3>, outer<rows_for(4), 4>},
    {{dot_rows(1), 1}, {dot_rows(2), 2}, {dot_rows(3), 3}, {1, 6}},
    {dot<dot_rows(1), 1>, dot<dot_rows(2), 2>, dot<dot_rows(3), 3>, dot<1, 6>},
    {{rows_for(1), kWidth}, {rows_for(2), 2 * kWidth}, {rows_for(3), 3 * kWidth},
     {low_rows_for(4), 4 * kWidth}, {2, 6 * kWidth}, {1, 6 * kWidth}},
    {sums<rows_for(1), 1>, sums<rows_for(2), 2>, sums<rows_for(3), 3>, sums<low_rows_for(4), 4>, sums<2, 6>,
     sums<1, 6>},
    kDepthwiseRows,
    depthwise,
    depthwise_sums,
    turn<false>,
    turn<true>,
    {row_depth(1), row_depth(2)},
    row_sums,
    sum_terms,
    finish,
    tile_cells,
    {{tile_taps<2, 2>, tile_taps<2, 3>}, {tile_taps<3, 2>, tile_taps<3, 3>}},
    {tile_product<rows_for(1), 1>, tile_product<rows_for(2), 2>, tile_product<rows_for(3), 3>,
     tile_product<rows_for(4), 4>},
    {{tile_results<2, 2>, tile_results<2, 3>}, {tile_results<3, 2>, tile_results<3, 3>}},
    half_product,
    pair,
    pair_places,
    pair_cells,
    copy_runs,
    round_rows,
    widen,
    narrow,
};

}  // namespace

#define TCONV_JOIN_(a, b) a##b
#define TCONV_JOIN(a, b) TCONV_JOIN_(a, b)

extern const Kernels* const TCONV_JOIN(kernels_, TCONV_ISA);
const Kernels* const TCONV_JOIN(kernels_, TCONV_ISA) = &kTable;

}  // namespace tconv
