#include "kernels.h"

#include <cstdlib>
#include <cstring>

namespace tconv {

extern const Kernels* const kernels_baseline;
#if defined(__x86_64__)
extern const Kernels* const kernels_avx2;
extern const Kernels* const kernels_avx512;
#endif

namespace {

const Kernels* choose() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    const char* wanted = std::getenv("TCONV_ISA");
    const auto allowed = [wanted](const char* name) { return !wanted || !std::strcmp(wanted, name); };
    const bool most = allowed("amx") || allowed("avx512");  // AMX is for numbers of 16 bits, beside it
    if (avx512 && most) return kernels_avx512;
    if (avx2 && (allowed("avx2") || most)) return kernels_avx2;
#endif
    return kernels_baseline;
}

}  // namespace

const Kernels& kernels() {
    static const Kernels* const chosen = choose();
    return *chosen;
}

int least_idle(int64_t lanes) {
    const auto padded = [&](int shape) {
        const int64_t wide = kernels().outer_shape[shape].lanes;
        return (lanes + wide - 1) / wide * wide;
    };
    int best = 0;
    for (int shape = 1; shape < 3; ++shape)
        if (padded(shape) <= padded(best)) best = shape;
    return best;
}

}  // namespace tconv
