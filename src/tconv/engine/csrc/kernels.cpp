#include "kernels.h"

#include <string_view>

#include "environment.h"
#include "problem.h"

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
    const std::string_view wanted = wanted_isa();
    const auto allowed = [wanted](std::string_view name) { return wanted.empty() || wanted == name; };
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

double outer_step(int shape) {
    const auto [rows, lanes] = kernels().outer_shape[shape];
    const int vectors = lanes / kernels().width;
    constexpr double kOrders = 1.6;  // per multiply-add of a usual shape: itself and its share of the loads
    return (rows * vectors + rows + vectors) / kOrders;
}

double tiles_of(int64_t places, int64_t rows) {
    const int64_t rest = places % rows;
    const double last = rest == 0 ? 0 : rest <= few_rows(rows) ? 0.35 : rest <= some_rows(rows) ? 0.6 : 1;
    return static_cast<double>(places / rows) + last;
}

int best_outer(int64_t lanes, int64_t places) {
    const auto steps = [&](int shape) {
        const auto [rows, wide] = kernels().outer_shape[shape];
        return static_cast<double>(ceil_div(lanes, wide)) * tiles_of(places, rows) * outer_step(shape);
    };
    int best = 0;
    for (int shape = 1; shape < kOuterShapes; ++shape)
        if (steps(shape) <= steps(best)) best = shape;
    return best;
}

}  // namespace tconv
