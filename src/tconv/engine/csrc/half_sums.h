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
inline Vector widened(Halves v) { return reinterpret_cast<Vector>(__builtin_convertvector(v, Words) << 16); }
inline Vector widened(const Half* p) { return widened(load_halves(p)); }
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
// Past the caches, to a place that the size of so many numbers divides.
inline void stream_halves(Half* p, Halves v) {
#if defined(__AVX512F__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(v));
#elif defined(__AVX2__)
    _mm_stream_si128(reinterpret_cast<__m128i*>(p), reinterpret_cast<__m128i>(v));
#else
    store_halves(p, v);
#endif
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

// The first `count` numbers of a vector; nothing beyond them is touched.
#if defined(__AVX512BW__)
inline Halves load_halves(const Half* p, int64_t count) {
    return reinterpret_cast<Halves>(_mm256_maskz_loadu_epi16(lanes_to(count), p));
}
inline void store_halves(Half* p, Halves v, int64_t count) {
    _mm256_mask_storeu_epi16(p, lanes_to(count), reinterpret_cast<__m256i>(v));
}
#else
inline Halves load_halves(const Half* p, int64_t count) {
    Half buffer[kStrip] = {};
    copy_few(p, count, buffer);
    return load_halves(buffer);
}
inline void store_halves(Half* p, Halves v, int64_t count) {
    Half buffer[kStrip];
    store_halves(buffer, v);
    copy_few(buffer, count, p);
}
#endif

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

// Two rows as pairs, where each has a vector's numbers.
inline Words paired(Halves a, Halves b) {
    return __builtin_convertvector(a, Words) | __builtin_convertvector(b, Words) << 16;
}

// Whether all numbers that were seen are finite.
class Finite {
  public:
    void see(Halves some) {
        some &= 0x7f80;
        greatest_ = some > greatest_ ? some : greatest_;
    }
    bool all() const {
        bool finite = true;
        for (int i = 0; i < kWidth; ++i) finite = finite && greatest_[i] < 0x7f80;
        return finite;
    }

  private:
    Halves greatest_{};                // exponents
};

// A strip's line: 16 lanes of two rows, as pairs; lanes from `count` on are zeros.
inline void pair_line(const Half* a, const Half* b, int64_t count, Half* out, Finite* finite = nullptr) {
    for (int64_t i = 0; i < kStrip; i += kWidth, out += 2 * kWidth) {
        const int64_t left = count - i;
        const Halves none{};
        const Halves first = left >= kWidth ? load_halves(a + i) : left > 0 ? load_halves(a + i, left) : none;
        const Halves second = left >= kWidth ? load_halves(b + i) : left > 0 ? load_halves(b + i, left) : none;
        if (finite) finite->see(first), finite->see(second);
        *reinterpret_cast<LooseWords*>(out) = paired(first, second);
    }
}

void pair(const Half* a, const Half* b, int64_t count, Half* out, int64_t strip_step) {
    for (; count > 0; count -= kStrip, a += kStrip, b += kStrip, out += strip_step) pair_line(a, b, count, out);
}

// Lanes of places as pairs along the places; whether all are finite.
bool pair_places(const Half* const* runs, int64_t places, int64_t lane, int64_t count, Half* out) {
    const Half none[kStrip] = {};
    Finite finite;
    for (int64_t i = 0; i < places; i += 2, out += 2 * kStrip) {
        const Half* second = i + 1 < places ? runs[i + 1] + lane : none;
        if (count >= kStrip) pair_line(runs[i] + lane, second, kStrip, out, &finite);  // a count that is known asks nothing
        else pair_line(runs[i] + lane, second, count, out, &finite);
    }
    return finite.all();
}

// Lines of pairs along places, paired anew from the second place on; the last place's partner is a zero.
void pair_anew(const Half* pairs, int64_t count, Half* out) {
    const auto line = [](const Half* p) { return *reinterpret_cast<const LooseWords*>(p); };
    for (int64_t i = 0; i < kStrip; i += kWidth, pairs += 2 * kWidth, out += 2 * kWidth) {
        Words now = line(pairs);
        for (int64_t n = 0; n < count; ++n) {
            const Words next = n + 1 < count ? line(pairs + (n + 1) * 2 * kStrip) : Words{};
            *reinterpret_cast<LooseWords*>(out + n * 2 * kStrip) = now >> 16 | next << 16;
            now = next;
        }
    }
}

// As many pairs of runs of `count` numbers, each pair's line `to_step` from the one before; whether all are finite.
bool pair_cells(const Half* const* runs, int64_t pairs, int64_t count, Half* out, int64_t to_step) {
    Finite finite;
    for (int64_t i = 0; i < pairs; ++i, runs += 2, out += to_step)
        for (int64_t c = 0; c < count; c += kStrip)
            pair_line(runs[0] + c, runs[1] + c, count - c < kStrip ? count - c : kStrip, out + 2 * c, &finite);
    return finite.all();
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

template <bool Past>
inline void put(Half* out, Vector value) {
    if (Past) stream_halves(out, rounded(value));
    else store_halves(out, rounded(value));
}
template <bool Past>
inline void put(float* out, Vector value) {
    if (Past) stream(out, value);
    else store(out, value);
}
inline void put_some(Half* out, Vector value, int64_t count) { store_halves(out, rounded(value), count); }
inline void put_some(float* out, Vector value, int64_t count) { store_some(out, value, count); }

// What a row's stores might change, for all a compiler knows, is looked up before them.
template <bool Past, typename Number, typename Curve>
inline void finish_rows_by(const FinishedRows<Number>& job, const Curve& curve) {
    constexpr int kVectors = kBlock / kWidth;
    const int64_t rows = job.rows, pitch = job.pitch, to = job.to, lanes = job.lanes, whole = lanes / kWidth * kWidth;
    Number* const* const outs = job.outs;
    Vector bias[kVectors];
    for (int v = 0; v < kVectors; ++v) bias[v] = job.bias && v * kWidth < lanes ? load(job.bias + v * kWidth) : Vector{};
    const float* sums = job.sums;
    for (int64_t row = 0; row < rows; ++row, sums += pitch) {
        if (!outs[row]) continue;
        Number* out = outs[row] + to;
        if (lanes == kBlock) {
            for (int v = 0; v < kVectors; ++v) put<Past>(out + v * kWidth, curve(load(sums + v * kWidth) + bias[v]));
            continue;
        }
        for (int64_t lane = 0; lane < whole; lane += kWidth)
            put<Past>(out + lane, curve(load(sums + lane) + bias[lane / kWidth]));
        if (whole < lanes) put_some(out + whole, curve(load(sums + whole) + bias[whole / kWidth]), lanes - whole);
    }
}

// The activation is known before the loops begin.
template <bool Past, typename Number>
inline void finish_rows_to(const FinishedRows<Number>& job) {
    if (job.activation == Activation::none) return finish_rows_by<Past>(job, [](Vector v) { return v; });
    if (job.activation == Activation::rectify && job.slope == 0.0f)
        return finish_rows_by<Past>(job, [](Vector v) { return at_least(v, 0.0f); });
    finish_rows_by<Past>(job, [&](Vector v) { return activate(job.activation, job.slope, v); });
}

template <typename Number>
void finish_rows(const FinishedRows<Number>& job) {
    if (job.stream) finish_rows_to<true>(job);
    else finish_rows_to<false>(job);
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
