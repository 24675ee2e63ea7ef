// Activations of a vector; what is not a number stays so. The polynomials are weighted least-squares fits to float64
// values of the functions; the tests hold each activation to a few units in the last place of float32.
#pragma once

#include "finish.h"
#include "vector.h"

namespace tconv {
namespace {

inline Vector at_most(Vector x, float most) { return x > most ? Vector{} + most : x; }
inline Vector at_least(Vector x, float least) { return x < least ? Vector{} + least : x; }
inline Vector magnitude(Vector x) { return x < 0.0f ? -x : x; }

// Coefficients from the highest power down.
template <int Count>
inline Vector polynomial(Vector x, const float (&coefficients)[Count]) {
    Vector y = Vector{} + coefficients[0];
    for (int i = 1; i < Count; ++i) y = y * x + coefficients[i];
    return y;
}

// e^x = scale * (1 + rest), for |x| <= 87.
struct Exponential {
    Vector scale, rest;
};

inline Exponential exponential(Vector x) {
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding and taking it away rounds to whole numbers
    constexpr float kHigh = 0.693359375f, kLow = -2.12194440e-4f;  // ln 2 in two parts
    constexpr float kRest[] = {1.991820213e-04f, 1.394580926e-03f, 8.333264743e-03f,
                               4.166627468e-02f, 1.666666686e-01f, 5.000000076e-01f};
    const Vector whole = x * 1.44269504f + kRound - kRound;
    const Vector r = x - whole * kHigh - whole * kLow;
    const Integers exponent = (__builtin_convertvector(whole, Integers) + 127) << 23;
    return {reinterpret_cast<Vector>(exponent), r + r * r * polynomial(r, kRest)};
}

inline Vector sigmoid(Vector x) {
    const Exponential e = exponential(-at_most(magnitude(x), 87.0f));
    const Vector small = e.scale + e.scale * e.rest;
    return (x < 0.0f ? small : Vector{} + 1.0f) / (1.0f + small);
}

inline Vector hyperbolic_tangent(Vector x) {
    const Exponential e = exponential(at_most(2.0f * magnitude(x), 30.0f));
    const Vector less_one = (e.scale - 1.0f) + e.scale * e.rest;
    const Vector y = less_one / (less_one + 2.0f);
    return x < 0.0f ? -y : y;
}

// The normal distribution's probability of less than x: (1 + erf(x / sqrt 2)) / 2.
inline Vector normal_probability(Vector x) {
    constexpr float kErf[] = {4.719928156e-03f, -2.675815577e-02f, 1.128283804e-01f, -3.761260934e-01f,
                              1.128379166e+00f};                                       // of t^2: erf(t) / t
    constexpr float kTail[] = {9.883769556e-02f, -3.986844733e-01f, 4.558625302e-01f, -1.728927444e-02f,
                               3.071637612e-01f, 2.708956027e-01f, 2.832346426e-01f, -4.885191234e-05f};
    // The tail's is of 1 / (1 + t / 2): erfc(t) e^(t^2).
    const Vector t = at_most(magnitude(x) * 0.707106781f, 9.3f);
    const Vector inner = t * polynomial(t * t, kErf);
    const Exponential e = exponential(-at_most(t * t, 87.0f));
    const Vector outer = (e.scale + e.scale * e.rest) * polynomial(1.0f / (1.0f + 0.5f * t), kTail);
    const Vector beyond = 0.5f * (t < 0.5f ? 1.0f - inner : outer);
    return x < 0.0f ? beyond : 1.0f - beyond;
}

inline Vector gelu_tanh(Vector x) {
    return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
}

// Out of line: the curved ones are long, and a tile asks once for each of its vectors.
__attribute__((noinline)) Vector curved(Activation activation, Vector x) {
    switch (activation) {
        case Activation::sigmoid: return sigmoid(x);
        case Activation::tanh: return hyperbolic_tangent(x);
        case Activation::gelu: return x * normal_probability(x);
        case Activation::gelu_tanh: return gelu_tanh(x);
        case Activation::silu: return x * sigmoid(x);
        default: return x;
    }
}

inline Vector activate(Activation activation, float slope, Vector x) {
    if (activation == Activation::none) return x;
    if (activation == Activation::rectify) return slope == 0.0f ? at_least(x, 0.0f) : x < 0.0f ? x * slope : x;
    return curved(activation, x);
}

}  // namespace
}  // namespace tconv
