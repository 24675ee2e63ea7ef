// Numbers of 16 bits: products without instructions for them, and what is done to them in rows.
#pragma once

#include "activate.h"
#include "half_kernels.h"
#include "vector.h"

namespace tconv {
namespace {

typedef uint32_t Words __attribute__((vector_size(kWidth * 4)));
typedef uint32_t LooseWords __attribute__((vector_size(kWidth * 4), aligned(2), may_alias));
typedef uint16_t Halves __attribute__((vector_size(kWidth * 2)));
typedef uint16_t LooseHalves __attribute__((vector_size(kWidth * 2), aligned(2), may_alias));

inline Words load_words(const Half* p) { return *reinterpret_cast<const LooseWords*>(p); }
inline Halves load_halves(const Half* p) { return *reinterpret_cast<const LooseHalves*>(p); }
inline Vector widened(const Half* p) {
    return reinterpret_cast<Vector>(__builtin_convertvector(load_halves(p), Words) << 16);
}
inline float widened(Half half) {
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

// To the nearest, to the even one of two; what is not a number stays so.
inline Halves rounded(Vector v) {
    const Words bits = reinterpret_cast<Words>(v);
    const Words nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, silent = (bits >> 16) | 0x40;
    return __builtin_convertvector(v == v ? nearest : silent, Halves);
}

inline void store_halves(Half* p, Halves v) { *reinterpret_cast<LooseHalves*>(p) = v; }
inline void store_halves(Half* p, Halves v, int64_t count) {
    Half buffer[kWidth];
    store_halves(buffer, v);
    for (int64_t i = 0; i < count; ++i) p[i] = buffer[i];
}

template <int Rows>
inline void half_rows(const Product& job, int64_t row, int64_t strip) {
    constexpr int kVectors = kStrip / kWidth;
    Vector sum[Rows][kVectors];
    float* out = job.sums + row * job.pitch + strip * kStrip;
    clear(sum);
    if (!job.fresh)
        for (int m = 0; m < Rows; ++m)
            for (int v = 0; v < kVectors; ++v) sum[m][v] = load(out + m * job.pitch + v * kWidth);
    const Half* b = job.b + strip * job.b_step;
    for (int64_t r = 0; r < job.count; ++r) {
        const Half* a = job.a + row * job.a_step + job.runs[r].at;
        for (int64_t k = 0; k < job.runs[r].depth; k += 2, b += 2 * kStrip)
            for (int v = 0; v < kVectors; ++v) {
                const Words pairs = load_words(b + 2 * v * kWidth);
                const Vector first = reinterpret_cast<Vector>(pairs << 16);
                const Vector second = reinterpret_cast<Vector>(pairs & 0xffff0000);
                for (int m = 0; m < Rows; ++m) {
                    sum[m][v] += widened(a[m * job.a_step + k]) * first;
                    sum[m][v] += widened(a[m * job.a_step + k + 1]) * second;
                }
            }
    }
    for (int m = 0; m < Rows; ++m)
        for (int v = 0; v < kVectors; ++v) store(out + m * job.pitch + v * kWidth, sum[m][v]);
}

void half_product(const Product& job) {
    constexpr int kRows = kRegisters / (kStrip / kWidth) >= 16 ? 8 : kRegisters / (kStrip / kWidth) >= 8 ? 4 : 2;
    for (int strip = 0; strip < job.strips; ++strip)
        for (int row = 0; row < job.rows; row += kRows) half_rows<kRows>(job, row, strip);
}

// `count` numbers by pieces of a size, the last of which may overlap the one before.
template <typename Piece>
inline void copy_pieces(const Half* from, int64_t count, Half* to) {
    constexpr int64_t kEach = sizeof(Piece) / sizeof(Half);
    for (int64_t i = 0; i + kEach < count; i += kEach) __builtin_memcpy(to + i, from + i, sizeof(Piece));
    __builtin_memcpy(to + count - kEach, from + count - kEach, sizeof(Piece));
}

typedef uint64_t Eight __attribute__((vector_size(16)));  // numbers of 16 bits

// Fewer numbers than a strip has lanes.
inline void copy_few(const Half* from, int64_t count, Half* to) {
    if (count >= 8) copy_pieces<Eight>(from, count, to);
    else if (count >= 4) copy_pieces<uint64_t>(from, count, to);
    else
        for (int64_t i = 0; i < count; ++i) to[i] = from[i];
}

// A strip's line: 16 lanes of two rows, as pairs; lanes from `count` on are zeros.
inline void pair_line(const Half* a, const Half* b, int64_t count, Half* out) {
    Half buffer[2][kStrip];
    if (count < kStrip) {
        __builtin_memset(buffer, 0, sizeof buffer);
        copy_few(a, count, buffer[0]), copy_few(b, count, buffer[1]);
        a = buffer[0], b = buffer[1];
    }
    for (int64_t i = 0; i < kStrip; i += kWidth) {
        const Words first = __builtin_convertvector(load_halves(a + i), Words);
        *reinterpret_cast<LooseWords*>(out + 2 * i) = first | __builtin_convertvector(load_halves(b + i), Words) << 16;
    }
}

void pair(const Half* a, const Half* b, int64_t count, Half* out, int64_t strip_step) {
    for (; count > 0; count -= kStrip, a += kStrip, b += kStrip, out += strip_step)
        pair_line(a, b, count < kStrip ? count : kStrip, out);
}

void pair_places(const Half* const* runs, int64_t places, int64_t lane, int64_t count, Half* out) {
    const Half none[kStrip] = {};
    for (int64_t i = 0; i < places; i += 2, out += 2 * kStrip) {
        const Half* second = i + 1 < places ? runs[i + 1] + lane : none;
        if (count >= kStrip) pair_line(runs[i] + lane, second, kStrip, out);
        else pair_line(runs[i] + lane, second, count, out);
    }
}

// As many pairs of runs of `count` numbers, each pair's line `to_step` from the one before; whether all are finite.
bool pair_cells(const Half* const* runs, int64_t pairs, int64_t count, Half* out, int64_t to_step) {
    Halves all{};
    bool finite = true;
    for (int64_t i = 0; i < 2 * pairs; ++i) {
        int64_t c = 0;
        for (; c + kWidth <= count; c += kWidth)
            all |= (load_halves(runs[i] + c) & 0x7f80) == 0x7f80;
        for (; c < count; ++c) finite = finite && (runs[i][c] & 0x7f80) != 0x7f80;
    }
    for (int i = 0; i < kWidth; ++i) finite = finite && all[i] == 0;
    for (int64_t i = 0; i < pairs; ++i) pair(runs[2 * i], runs[2 * i + 1], count, out + i * to_step, 2 * kStrip);
    return finite;
}

template <typename Piece>
inline void copy_rows(const Half* from, int64_t from_step, int64_t rows, int64_t count, Half* to, int64_t to_step) {
    for (int64_t row = 0; row < rows; ++row) copy_pieces<Piece>(from + row * from_step, count, to + row * to_step);
}

// `rows` runs of `count` numbers, from one place to another.
void copy_runs(const Half* from, int64_t from_step, int64_t rows, int64_t count, Half* to, int64_t to_step) {
    if (count >= 2 * kWidth) return copy_rows<Vector>(from, from_step, rows, count, to, to_step);
    if (count >= 8) return copy_rows<Eight>(from, from_step, rows, count, to, to_step);
    if (count >= 4) return copy_rows<uint64_t>(from, from_step, rows, count, to, to_step);
    if (count >= 2) return copy_rows<uint32_t>(from, from_step, rows, count, to, to_step);
    for (int64_t row = 0; row < rows && count; ++row) to[row * to_step] = from[row * from_step];
}

// A vector of float32 numbers as the sum of three of bfloat16 ones, each the nearest to what those before it leave.
inline void split(Vector v, Halves (&parts)[kParts]) {
    for (int i = 0; i < kParts; ++i) {
        const Words bits = reinterpret_cast<Words>(v);
        const Words nearest = v == v ? (bits + 0x8000) & 0xffff0000 : bits | 0x400000;
        parts[i] = __builtin_convertvector(nearest >> 16, Halves);
        v -= reinterpret_cast<Vector>(nearest);
    }
}

// `rows` runs of `count` numbers, each part `apart` from the one before.
void split_runs(const float* from, int64_t from_step, int64_t rows, int64_t count, Half* to, int64_t to_step,
                int64_t apart) {
    Halves parts[kParts];
    for (int64_t row = 0; row < rows; ++row, from += from_step, to += to_step) {
        int64_t i = 0;
        for (; i + kWidth <= count; i += kWidth) {
            split(load(from + i), parts);
            for (int p = 0; p < kParts; ++p) store_halves(to + p * apart + i, parts[p]);
        }
        if (i == count) continue;
        split(load_some(from + i, count - i), parts);
        for (int p = 0; p < kParts; ++p) store_halves(to + p * apart + i, parts[p], count - i);
    }
}

inline void put(Half* out, Vector value, int64_t count, bool) {
    if (count >= kWidth) store_halves(out, rounded(value));
    else store_halves(out, rounded(value), count);
}
inline void put(float* out, Vector value, int64_t count, bool past) {
    if (past) stream(out, value);
    else if (count >= kWidth) store(out, value);
    else store_some(out, value, count);
}

template <typename Number>
void finish_rows(const FinishedRows<Number>& job) {
    for (int64_t row = 0; row < job.rows; ++row) {
        if (!job.outs[row]) continue;
        for (int64_t lane = 0; lane < job.lanes; lane += kWidth) {
            const Vector sum = load(job.sums + row * job.pitch + lane);
            const Vector value = job.bias ? sum + load(job.bias + lane) : sum;
            put(job.outs[row] + job.to + lane, activate(job.activation, job.slope, value), job.lanes - lane,
                job.stream);
        }
    }
}

void widen(const Half* from, int64_t count, float* to) {
    int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) store(to + i, widened(from + i));
    for (; i < count; ++i) to[i] = widened(from[i]);
}

void narrow(const float* from, int64_t count, Half* to) {
    int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) store_halves(to + i, rounded(load(from + i)));
    if (i < count) store_halves(to + i, rounded(load_some(from + i, count - i)), count - i);
}

}  // namespace
}  // namespace tconv
