/* What a core can do at most: fused multiply-adds in registers, sums of memory, copies of memory. */

#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, SUMS = 24 };
#elif defined(__AVX__)
enum { LANES = 8, SUMS = 12 };
#elif defined(__aarch64__)
enum { LANES = 4, SUMS = 24 };
#else
enum { LANES = 4, SUMS = 12 };
#endif

typedef float vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

/* Floating-point operations in one round: enough chains of them that none waits for the one before. */
long operations(void) { return 2L * LANES * SUMS; }

/* That compilers keep a vector in a register, and do all that is said. */
#if defined(__x86_64__)
#define KEPT(v) __asm__ volatile("" : "+v"(v))
#elif defined(__aarch64__)
#define KEPT(v) __asm__ volatile("" : "+w"(v))
#else
#define KEPT(v)
#endif

float multiply_add(long rounds, float factor, float term) {
    vector sums[SUMS], a, b, all;
    for (int lane = 0; lane < LANES; ++lane) a[lane] = factor, b[lane] = term;
#pragma GCC unroll 24
    for (int s = 0; s < SUMS; ++s) sums[s] = b;
    for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
        for (int s = 0; s < SUMS; ++s) {
            sums[s] = a * sums[s] + b;
            KEPT(sums[s]);
        }
    }
    all = sums[0];
#pragma GCC unroll 24
    for (int s = 1; s < SUMS; ++s) all += sums[s];
    return all[0];
}

float sum(const float* from, long count, long rounds) {
    vector sums[8];
    memset(sums, 0, sizeof sums);
    for (long round = 0; round < rounds; ++round) {
        for (long at = 0; at + 8 * LANES <= count; at += 8 * LANES)
#pragma GCC unroll 8
            for (int s = 0; s < 8; ++s) sums[s] += *(const vector*)(from + at + s * LANES);
        __asm__ volatile("" ::: "memory");
    }
    for (int s = 1; s < 8; ++s) sums[0] += sums[s];
    return sums[0][0];
}

void copy(float* to, const float* from, long count, long rounds) {
    for (long round = 0; round < rounds; ++round) {
        memcpy(to, from, (unsigned long)count * sizeof(float));
        __asm__ volatile("" ::: "memory");
    }
}

/* The same for bfloat16 with float32 sums, where the processor has instructions for it; otherwise nothing. */
#if defined(__AMX_BF16__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ASK_FOR_TILES = 0x1023, TILE_DATA = 18 };

struct shape {
    unsigned char palette, start, reserved[14];
    unsigned short bytes[16];
    unsigned char rows[16];
};

long bfloat16_operations(void) {
    return syscall(SYS_arch_prctl, ASK_FOR_TILES, TILE_DATA) ? 0 : 4L * 2 * 16 * 16 * 32;
}

void bfloat16_multiply_add(long rounds) {
    struct shape shape = {1};
    for (int tile = 0; tile < 8; ++tile) shape.bytes[tile] = 64, shape.rows[tile] = 16;
    __asm__ volatile("" : : "r"(&shape) : "memory"); /* GCC's intrinsics do not say what they read */
    _tile_loadconfig(&shape);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (long round = 0; round < rounds; ++round) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}
#elif defined(__AVX512BF16__)
#include <immintrin.h>

long bfloat16_operations(void) { return 12L * 2 * 32; }

void bfloat16_multiply_add(long rounds) {
    __m512 sums[12];
    __m512bh one = (__m512bh)_mm512_set1_epi32(0x3F803F80);
    for (int s = 0; s < 12; ++s) sums[s] = _mm512_setzero_ps();
    for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (int s = 0; s < 12; ++s) sums[s] = _mm512_dpbf16_ps(sums[s], one, one);
    }
    for (int s = 0; s < 12; ++s) __asm__ volatile("" ::"v"(sums[s]));
}
#else
long bfloat16_operations(void) { return 0; }
void bfloat16_multiply_add(long rounds) { (void)rounds; }
#endif
