// Sums of runs of numbers, and what is done to them at the end; compiled once for each instruction set.
#pragma once

#include "activate.h"
#include "kernels.h"
#include "vector.h"

namespace tconv {
namespace {

// As many runs at once as leave their factors in registers beside the sums and one number of a run.
constexpr int row_depth(int results) {
    const int depth = (kRegisters - results - 2) / results;
    return depth < 8 ? depth / 2 * 2 : 8;
}

template <int Results, int Depth>
inline void row_sums_of(const RowSums& job) {
    Vector factors[Results][Depth];
    const float *runs[Depth], *before[Results];
    float* to[Results];
    for (int m = 0; m < Results; ++m) before[m] = job.before ? job.before[m] : nullptr, to[m] = job.to[m];
    for (int k = 0; k < Depth; ++k) runs[k] = job.runs[k];
    for (int m = 0; m < Results; ++m)
        for (int k = 0; k < Depth; ++k) factors[m][k] = job.factors[m * Depth + k] - Vector{};
    const auto step = [&](int64_t c, auto begin, auto get, auto put) {
        Vector sum[Results];
        for (int m = 0; m < Results; ++m) sum[m] = begin(m, c);
        for (int k = 0; k < Depth; ++k) {
            const Vector w = get(runs[k] + c);
            for (int m = 0; m < Results; ++m) sum[m] += factors[m][k] * w;
        }
        for (int m = 0; m < Results; ++m) put(to[m] + c, sum[m]);
    };
    const int64_t whole = job.count / kWidth * kWidth, left = job.count - whole;
    const auto none = [](int, int64_t) { return Vector{}; };
    const auto sums = [&](int m, int64_t c) { return load(before[m] + c); };
    const auto plain = [](float* p, Vector v) { store(p, v); };
    const auto past = [](float* p, Vector v) { stream(p, v); };
    const auto all = [&](auto begin, auto put) {
        for (int64_t c = 0; c < whole; c += kWidth) step(c, begin, loaded, put);
    };
    if (job.before) job.stream ? all(sums, past) : all(sums, plain);
    else job.stream ? all(none, past) : all(none, plain);
    if (left)
        step(whole, [&](int m, int64_t c) { return job.before ? load_some(before[m] + c, left) : Vector{}; },
             [&](const float* p) { return load_some(p, left); },
             [&](float* p, Vector v) { store_some(p, v, left); });
}

template <int Results>
inline void row_sums_for(const RowSums& job) {
    switch (job.depth) {
        case 1: return row_sums_of<Results, 1>(job);
        case 2: return row_sums_of<Results, 2>(job);
        case 3: return row_sums_of<Results, 3>(job);
        case 4: return row_sums_of<Results, 4>(job);
    }
    if constexpr (row_depth(Results) >= 6) {
        if (job.depth == 5) return row_sums_of<Results, 5>(job);
        if (job.depth == 6) return row_sums_of<Results, 6>(job);
    }
    if constexpr (row_depth(Results) == 8) {
        if (job.depth == 7) return row_sums_of<Results, 7>(job);
        if (job.depth == 8) return row_sums_of<Results, 8>(job);
    }
}

void row_sums(const RowSums& job) {
    if (job.results == 1) row_sums_for<1>(job);
    else row_sums_for<2>(job);
}

void sum_terms(const TermSums& job) {
    Integers lane;
    for (int i = 0; i < kWidth; ++i) lane[i] = i;
    for (int64_t q = job.first; q < job.first + job.blocks; ++q) {
        float* to = job.to + (q - job.first) * job.block;
        const int64_t count = q >= 0 && q < job.end ? job.count : 0;
        for (int64_t c = 0; c < job.block; c += kWidth) {
            Vector sum{};
            for (int64_t t = 0; t < count; ++t) {
                const Term& term = job.terms[t];
                if (term.floats <= c) continue;
                const Vector numbers = load(term.at + q * job.step + c);
                const bool all = term.floats == job.block || term.floats >= c + kWidth;
                sum += all ? numbers : lane < static_cast<int32_t>(term.floats - c) ? numbers : Vector{};
            }
            store(to + c, sum);  // beyond the block lies the next one, whose turn comes
        }
    }
}

void finish(const float* sums, const Finish& finish, float* to, int64_t count) {
    for (int64_t c = 0; c < count; c += kWidth) {
        const int64_t left = count - c < kWidth ? count - c : kWidth;
        const bool whole = left == kWidth;
        const auto get = [&](const float* p) { return whole ? load(p + c) : load_some(p + c, left); };
        const Vector sum = finish.bias ? get(sums) + get(finish.bias) : get(sums);
        const Vector value = activate(finish.activation, finish.slope, sum);
        if (whole) store(to + c, value);
        else store_some(to + c, value, left);
    }
}

}  // namespace
}  // namespace tconv
