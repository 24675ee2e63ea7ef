#include "slopes.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "caches.h"
#include "kernels.h"
#include "pool.h"
#include "problem.h"
#include "streaming.h"

namespace tconv {
namespace {

constexpr int64_t kRun = int64_t{1} << 14;  // numbers whose sums are made in float32
constexpr int64_t kSplits = 64;             // at most; so many partial sums are added in the end

// Floats after which the channels begin anew at a vector's first number, some vectors at least: as many sums in flight.
int64_t period_of(int64_t channels) {
    constexpr int64_t kVectors = 8;
    const int64_t period = std::lcm(channels, static_cast<int64_t>(kernels().width));
    return ceil_div(kVectors * kernels().width, period) * period;
}

void run(const Slopes<float>& job) { kernels().slopes(job); }
void run(const Slopes<Half>& job) { kernels().half_slopes(job); }

}  // namespace

template <typename Number>
void before_finish(Activation activation, float slope, const Number* results, const Number* gradients, int64_t places,
                   int64_t channels, Number* before, float* bias) {
    const int64_t period = period_of(channels), part = std::max(kRun / period, int64_t{1}) * period;
    const int64_t numbers = places * channels, parts = ceil_div(numbers, part), splits = std::min(parts, kSplits);
    const bool stream = reinterpret_cast<uintptr_t>(before) % kLine == 0 &&
                        numbers * static_cast<int64_t>(sizeof(Number)) >= streams_from();
    std::vector<double> totals(bias ? splits * channels : 0);
    parallel_for(splits, [&](int64_t split) {
        std::vector<float> sums(bias ? period : 0);
        for (int64_t i = split * parts / splits; i < (split + 1) * parts / splits; ++i) {
            const int64_t first = i * part;
            std::fill(sums.begin(), sums.end(), 0.0f);
            run(Slopes<Number>{activation, slope, results ? results + first : nullptr, gradients + first,
                               before ? before + first : nullptr, std::min(part, numbers - first),
                               bias ? sums.data() : nullptr, period, stream});
            double* total = totals.data() + split * channels;
            for (int64_t at = 0; at < static_cast<int64_t>(sums.size()); at += channels)
                for (int64_t c = 0; c < channels; ++c) total[c] += sums[at + c];
        }
        if (stream) settle();
    });
    for (int64_t c = 0; bias && c < channels; ++c) {
        double total = 0;
        for (int64_t split = 0; split < splits; ++split) total += totals[split * channels + c];
        bias[c] = static_cast<float>(total);
    }
}

template void before_finish(Activation, float, const float*, const float*, int64_t, int64_t, float*, float*);
template void before_finish(Activation, float, const Half*, const Half*, int64_t, int64_t, Half*, float*);

}  // namespace tconv
