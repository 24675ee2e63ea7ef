// Products of bfloat16 numbers by AMX: eight registers of 16 rows of 64 bytes, four of sums, two of each factor.
#include <immintrin.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstring>

#include "half_kernels.h"

namespace tconv {
namespace {

struct alignas(64) Configuration {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
};

// The intrinsics of GCC do not say what memory they read and write.
inline void settled() { asm volatile("" ::: "memory"); }

thread_local int64_t step = kDeepest;

void begin(int64_t numbers) {
    Configuration tiles;
    for (int i = 0; i < 8; ++i) tiles.rows[i] = kStrip, tiles.row_bytes[i] = 64;
    for (int i = 4; i < 6; ++i) tiles.row_bytes[i] = static_cast<uint16_t>(2 * numbers);
    for (int i = 6; i < 8; ++i) tiles.rows[i] = static_cast<uint8_t>(numbers / 2);
    step = numbers;
    settled();
    _tile_loadconfig(&tiles);
}

void end() { _tile_release(); }

// Sums in registers 0 to 3, rows in 4 and 5, lanes in 6 and 7.
template <bool Tall, bool Wide>
class Block {
  public:
    explicit Block(const Product& job)
        : sums_(job.sums), below_(job.sums + kStrip * job.pitch), pitch_(job.pitch * 4), a_step_(job.a_step * 2),
          strip_(kStrip * job.a_step), b_step_(job.b_step) {
        settled();
        if (job.fresh) {
            _tile_zero(0);
            if constexpr (Wide) _tile_zero(1);
            if constexpr (Tall) _tile_zero(2);
            if constexpr (Tall && Wide) _tile_zero(3);
        } else {
            _tile_loadd(0, sums_, pitch_);
            if constexpr (Wide) _tile_loadd(1, sums_ + kStrip, pitch_);
            if constexpr (Tall) _tile_loadd(2, below_, pitch_);
            if constexpr (Tall && Wide) _tile_loadd(3, below_ + kStrip, pitch_);
        }
    }
    void rows(const Half* a) const {
        _tile_loadd(4, a, a_step_);
        if constexpr (Tall) _tile_loadd(5, a + strip_, a_step_);
    }
    void lanes(const Half* b) const {
        _tile_loadd(6, b, 64);
        if constexpr (Wide) _tile_loadd(7, b + b_step_, 64);
    }
    void multiply() const {
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (Wide) _tile_dpbf16ps(1, 4, 7);
        if constexpr (Tall) _tile_dpbf16ps(2, 5, 6);
        if constexpr (Tall && Wide) _tile_dpbf16ps(3, 5, 7);
    }
    void store() const {
        _tile_stored(0, sums_, pitch_);
        if constexpr (Wide) _tile_stored(1, sums_ + kStrip, pitch_);
        if constexpr (Tall) _tile_stored(2, below_, pitch_);
        if constexpr (Tall && Wide) _tile_stored(3, below_ + kStrip, pitch_);
        settled();
    }

  private:
    float* const sums_;
    float* const below_;
    const int64_t pitch_, a_step_, strip_, b_step_;
};

template <typename Step>
inline void each_step(const Product& job, const Step& one) {
    const Half* b = job.b;
    const int64_t numbers = step, line = kStrip * numbers;
    for (const HalfRun* run = job.runs; run < job.runs + job.count; ++run) {
        const Half* a = job.a + run->at;
        for (int64_t k = 0; k < run->depth; k += numbers, a += numbers, b += line) one(a, b);
    }
}

template <bool Tall, bool Wide>
void product(const Product& job) {
    const Block<Tall, Wide> block(job);
    each_step(job, [&](const Half* a, const Half* b) {
        block.lanes(b);
        block.rows(a);
        block.multiply();
    });
    block.store();
}

// Pairs of parts follow each other so that one of the two stays.
template <bool Tall, bool Wide>
void parts_product(const Product& job) {
    const Block<Tall, Wide> block(job);
    const int64_t a_apart = job.a_apart, b_apart = job.b_apart;
    each_step(job, [&](const Half* a, const Half* b) {
        block.lanes(b);
        block.rows(a + 2 * a_apart);
        block.multiply();
        block.rows(a + a_apart);
        block.multiply();
        block.lanes(b + b_apart);
        block.multiply();
        block.rows(a);
        block.multiply();
        block.lanes(b + 2 * b_apart);
        block.multiply();
        block.lanes(b);
        block.multiply();
    });
    block.store();
}

void any_product(const Product& job) {
    if (job.rows > kStrip) return job.strips > 1 ? product<true, true>(job) : product<true, false>(job);
    return job.strips > 1 ? product<false, true>(job) : product<false, false>(job);
}

void any_parts_product(const Product& job) {
    if (job.rows > kStrip) return job.strips > 1 ? parts_product<true, true>(job) : parts_product<true, false>(job);
    return job.strips > 1 ? parts_product<false, true>(job) : parts_product<false, false>(job);
}

// The system hands out the large registers to processes that ask.
bool permitted() {
#if defined(__linux__)
    constexpr long kRequest = 0x1023, kTileData = 18;
    return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#else
    return false;
#endif
}

bool there() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
    constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
    return (d & kBf16) && (d & kTile) && permitted();
}

constexpr HalfKernels kTable = {"amx", 300, begin, any_product, any_parts_product, end};

}  // namespace

extern const HalfKernels* half_kernels_amx();
const HalfKernels* half_kernels_amx() { return there() ? &kTable : nullptr; }

}  // namespace tconv
