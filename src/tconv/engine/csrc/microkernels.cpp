// Compiled once for each instruction set, with TCONV_ISA naming it; the vector width follows from the compiler's flags.
// Nothing here may be shared with other translation units (no standard library): a linker would keep one version of it.
#include "depthwise.h"
#include "half_sums.h"
#include "image_blocks.h"
#include "kernels.h"
#include "row_sums.h"
#include "slope_sums.h"
#include "tiles.h"
#include "vector.h"
#include "winograd_tiles.h"

namespace tconv {
namespace {

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

// `lanes` rows of `depth` floats, `from_step` apart, as `depth` rows of `lanes`, `to_step` apart.
template <bool Stream>
void turn(const float* from, int64_t from_step, int64_t lanes, int64_t depth, float* to, int64_t to_step) {
    const int64_t whole_lanes = lanes / kWidth * kWidth, whole = depth / kWidth * kWidth;
    for (int64_t n = 0; n < whole_lanes; n += kWidth)
        for (int64_t c = 0; c < whole; c += kWidth)
            turn_square<Stream>(from + n * from_step + c, from_step, to + c * to_step + n, to_step);
    for (int64_t c = whole; c < depth; ++c)
        for (int64_t n = 0; n < whole_lanes; ++n) to[c * to_step + n] = from[n * from_step + c];
    for (int64_t n = whole_lanes; n < lanes; ++n)
        for (int64_t c = 0; c < depth; ++c) to[c * to_step + n] = from[n * from_step + c];
}

// Whether all numbers are finite: those that are not leave something when they are taken from themselves.
bool finite(const float* numbers, int64_t count) {
    Vector left[4] = {};
    int64_t i = 0;
    for (; i + 4 * kWidth <= count; i += 4 * kWidth)
        for (int v = 0; v < 4; ++v) {
            const Vector some = load(numbers + i + v * kWidth);
            left[v] += some - some;
        }
    float rest = total(left[0] + left[1] + left[2] + left[3]);
    for (; i < count; ++i) rest += numbers[i] - numbers[i];
    return rest == 0.0f;
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
    turn_block,
    finite,
    {row_depth(1), row_depth(2)},
    row_sums,
    sum_terms,
    finish,
    slopes<float>,
    tile_cells,
    {{tile_taps<2, 2>, tile_taps<2, 3>}, {tile_taps<3, 2>, tile_taps<3, 3>}},
    {tile_product<rows_for(1), 1>, tile_product<rows_for(2), 2>, tile_product<rows_for(3), 3>,
     tile_product<rows_for(4), 4>},
    {{tile_results<2, 2>, tile_results<2, 3>}, {tile_results<3, 2>, tile_results<3, 3>}},
    half_product,
    pair,
    pair_places,
    pair_anew,
    pair_cells,
    copy_runs,
    split_runs,
    finish_rows<Half>,
    finish_rows<float>,
    widen,
    narrow,
    slopes<Half>,
};

}  // namespace

#define TCONV_JOIN_(a, b) a##b
#define TCONV_JOIN(a, b) TCONV_JOIN_(a, b)

extern const Kernels* const TCONV_JOIN(kernels_, TCONV_ISA);
const Kernels* const TCONV_JOIN(kernels_, TCONV_ISA) = &kTable;

}  // namespace tconv
