// Gradients times the slopes of an activation, and their sums; compiled once for each instruction set.
#pragma once

#include "half_sums.h"
#include "kernels.h"
#include "vector.h"

namespace tconv {
namespace {

// A rectifier's slope goes by comparison, not by a product: what is cut off stays so beside an infinite gradient.
struct Unchanged {
    Vector operator()(Vector, Vector gradient) const { return gradient; }
};
struct Rectified {
    Vector operator()(Vector result, Vector gradient) const { return result <= 0.0f ? Vector{} : gradient; }
};
struct Leaking {
    float slope;
    Vector operator()(Vector result, Vector gradient) const { return result > 0.0f ? gradient : gradient * slope; }
};
struct OfSigmoid {
    Vector operator()(Vector result, Vector gradient) const { return gradient * (1.0f - result) * result; }
};
struct OfTanh {
    Vector operator()(Vector result, Vector gradient) const { return gradient * (1.0f - result * result); }
};

// A vector of either kind of numbers, of which the last one in memory may be a part.
struct Whole {
    Vector get(const float* p) const { return load(p); }
    Vector get(const Half* p) const { return widened(p); }
    void put(float* p, Vector v) const { store(p, v); }
    void put(Half* p, Vector v) const { store_halves(p, rounded(v)); }
};
struct Part {
    int64_t count;
    Vector get(const float* p) const { return load_some(p, count); }
    Vector get(const Half* p) const { return widened(load_halves(p, count)); }
    void put(float* p, Vector v) const { store_some(p, v, count); }
    void put(Half* p, Vector v) const { store_halves(p, rounded(v), count); }
};

struct Past : Whole {
    void put(float* p, Vector v) const { stream(p, v); }
    void put(Half* p, Vector v) const { stream_halves(p, rounded(v)); }
};

template <typename Number, typename Slope>
void slopes_by(const Slopes<Number>& job, Slope slope) {
    const Number* results = job.results ? job.results : job.gradients;
    const auto step = [&](int64_t at, int64_t lane, auto vector) {
        const Vector gradient = slope(vector.get(results + at), vector.get(job.gradients + at));
        if (job.before) vector.put(job.before + at, gradient);
        if (job.sums) store(job.sums + lane, load(job.sums + lane) + gradient);
    };
    const int64_t whole = job.count / kWidth * kWidth, left = job.count - whole;
    int64_t at = 0;
    while (at < whole) {
        const int64_t end = at + job.period < whole ? at + job.period : whole;
        if (job.stream)
            for (int64_t lane = 0; at < end; at += kWidth, lane += kWidth) step(at, lane, Past{});
        for (int64_t lane = 0; at < end; at += kWidth, lane += kWidth) step(at, lane, Whole{});
    }
    if (left) step(whole, whole % job.period, Part{left});
}

template <typename Number>
void slopes(const Slopes<Number>& job) {
    switch (job.activation) {
        case Activation::rectify:
            return job.slope == 0.0f ? slopes_by(job, Rectified{}) : slopes_by(job, Leaking{job.slope});
        case Activation::sigmoid: return slopes_by(job, OfSigmoid{});
        case Activation::tanh: return slopes_by(job, OfTanh{});
        default: return slopes_by(job, Unchanged{});
    }
}

}  // namespace
}  // namespace tconv
