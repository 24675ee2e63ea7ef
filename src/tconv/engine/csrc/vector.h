// One vector of floats; for sources that are compiled once for each instruction set, so nothing here is shared.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tconv {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 16, kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kWidth = 8, kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kWidth = 4, kRegisters = 32;
#else
constexpr int kWidth = 4, kRegisters = 16;
#endif

typedef float Vector __attribute__((vector_size(kWidth * 4)));
typedef int32_t Integers __attribute__((vector_size(kWidth * 4)));
typedef float Loose __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));

inline Vector load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
// A load that comes no earlier: among many, compilers bring all forward and run out of registers.
inline Vector loaded(const float* p) {
    Vector v = load(p);
#if defined(__x86_64__)
    asm volatile("" : "+x"(v));
#endif
    return v;
}

// What lies there stays in memory; where it might lie in registers, compilers move it about even if nobody needs it.
inline void in_memory(float* p) { asm volatile("" : : "r"(p) : "memory"); }

// Many sums begin at zero; a zero that compilers know they would write to memory first, by a slow instruction.
template <int Rows, int Vectors>
inline void clear(Vector (&sums)[Rows][Vectors]) {
    Vector zero{};
#if defined(__x86_64__)
    asm volatile("" : "+x"(zero));
#endif
    for (int m = 0; m < Rows; ++m)
        for (int v = 0; v < Vectors; ++v) sums[m][v] = zero;
}

inline void store(float* p, Vector v) { *reinterpret_cast<Loose*>(p) = v; }

// Past the caches, to a place that a vector's size divides.
inline void stream(float* p, Vector v) {
#if defined(__AVX512F__)
    _mm512_stream_ps(p, v);
#elif defined(__AVX__)
    _mm256_stream_ps(p, v);
#elif defined(__SSE2__)
    _mm_stream_ps(p, v);
#else
    store(p, v);
#endif
}

// The first `count` numbers of a vector; nothing beyond them is touched.
#if defined(__AVX512F__)
inline __mmask16 lanes_to(int64_t count) { return static_cast<__mmask16>((1u << count) - 1); }
inline Vector load_some(const float* p, int64_t count) { return _mm512_maskz_loadu_ps(lanes_to(count), p); }
inline void store_some(float* p, Vector v, int64_t count) { _mm512_mask_storeu_ps(p, lanes_to(count), v); }
#else
inline Vector load_some(const float* p, int64_t count) {
    float buffer[kWidth] = {};
    for (int64_t i = 0; i < count; ++i) buffer[i] = p[i];
    return load(buffer);
}
inline void store_some(float* p, Vector v, int64_t count) {
    float buffer[kWidth];
    store(buffer, v);
    for (int64_t i = 0; i < count; ++i) p[i] = buffer[i];
}
#endif

// The last `rest` floats of a run that is longer than a vector and ends at p, after zeros.
inline Vector load_end(const float* p, int64_t rest) {
    Integers lane;
    for (int i = 0; i < kWidth; ++i) lane[i] = i;
    return lane >= kWidth - static_cast<int32_t>(rest) ? load(p - kWidth) : Vector{};
}

// Rows become columns: one bit of row and column changes places in each round. Unrolled, all of them stay in registers.
template <int Bit>
inline void transpose_from(Vector (&rows)[kWidth]) {
    Integers low{}, high{};
#pragma GCC unroll 16
    for (int j = 0; j < kWidth; ++j) {
        low[j] = j & Bit ? kWidth + j - Bit : j;
        high[j] = j & Bit ? kWidth + j : j + Bit;
    }
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) {
        if (i & Bit) continue;
        const Vector a = rows[i], b = rows[i + Bit];
        rows[i] = __builtin_shuffle(a, b, low), rows[i + Bit] = __builtin_shuffle(a, b, high);
    }
    if constexpr (Bit > 1) transpose_from<Bit / 2>(rows);
}
inline void transpose(Vector (&rows)[kWidth]) { transpose_from<kWidth / 2>(rows); }

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

// The sum of a vector's numbers: its upper half is added to its lower one, until one number is left.
template <int Half>
inline float total_of(Vector v) {
    Integers lane{};
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) lane[i] = (i + Half) % kWidth;
    v += __builtin_shuffle(v, lane);
    if constexpr (Half > 1) return total_of<Half / 2>(v);
    return v[0];
}
inline float total(Vector v) { return total_of<kWidth / 2>(v); }

// The sums of the numbers of as many vectors as there are lanes, each in the lane of its vector's place. In each round two
// vectors become one: half the lanes of each, and the other half added to them.
template <int Bit>
inline Vector totals_from(const Vector* rows) {
    if constexpr (Bit == 0) {
        return rows[0];
    } else {
        Integers low{}, high{};
#pragma GCC unroll 16
        for (int j = 0; j < kWidth; ++j) {
            low[j] = j & Bit ? kWidth + j - Bit : j;
            high[j] = j & Bit ? kWidth + j : j + Bit;
        }
        Vector sums[Bit];
#pragma GCC unroll 16
        for (int i = 0; i < Bit; ++i)
            sums[i] = __builtin_shuffle(rows[i], rows[i + Bit], low) + __builtin_shuffle(rows[i], rows[i + Bit], high);
        return totals_from<Bit / 2>(sums);
    }
}
inline Vector totals(const Vector (&rows)[kWidth]) { return totals_from<kWidth / 2>(rows); }

}  // namespace
}  // namespace tconv
