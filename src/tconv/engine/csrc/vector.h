// One vector of floats; for sources that are compiled once for each instruction set, so nothing here is shared.
#pragma once

#include <cstdint>

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
inline void store(float* p, Vector v) { *reinterpret_cast<Loose*>(p) = v; }

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

inline float total(Vector v) {
    float buffer[kWidth];
    store(buffer, v);
    for (int half = kWidth / 2; half; half /= 2)
        for (int i = 0; i < half; ++i) buffer[i] += buffer[i + half];
    return buffer[0];
}

}  // namespace
}  // namespace tconv
