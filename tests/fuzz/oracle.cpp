#include "oracle.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace oracle {

using tconv::Activation;
using tconv::Axis;
using tconv::Half;
using tconv::KernelView;
using tconv::Problem;

namespace {

// The nearest number of eight binary digits, the even one of two.
double nearest(double number) {
    int exponent;
    const double mantissa = std::frexp(number, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
}

// Calls see(image, coarse cell, fine cell, tap) for every pair of cells that a tap joins.
template <typename See>
void joined(const Problem& problem, See see) {
    const auto& [a0, a1, a2] = problem.axes;
    const auto fine = [](const Axis& axis, int64_t cell, int64_t tap) {
        return cell * axis.stride + tap * axis.dilation - axis.lo;
    };
    const auto outside = [](const Axis& axis, int64_t at) { return at < 0 || at >= axis.fine; };
    for (int64_t k0 = 0; k0 < a0.kernel; ++k0)
        for (int64_t c0 = 0; c0 < a0.coarse; ++c0) {
            const int64_t f0 = fine(a0, c0, k0);
            if (outside(a0, f0)) continue;
            for (int64_t k1 = 0; k1 < a1.kernel; ++k1)
                for (int64_t c1 = 0; c1 < a1.coarse; ++c1) {
                    const int64_t f1 = fine(a1, c1, k1);
                    if (outside(a1, f1)) continue;
                    for (int64_t k2 = 0; k2 < a2.kernel; ++k2)
                        for (int64_t c2 = 0; c2 < a2.coarse; ++c2) {
                            const int64_t f2 = fine(a2, c2, k2);
                            if (outside(a2, f2)) continue;
                            const int64_t tap = (k0 * a1.kernel + k1) * a2.kernel + k2;
                            for (int64_t n = 0; n < problem.batch; ++n)
                                see(((n * a0.coarse + c0) * a1.coarse + c1) * a2.coarse + c2,
                                    ((n * a0.fine + f0) * a1.fine + f1) * a2.fine + f2, tap);
                        }
                }
        }
}

double finished(double sum, Activation activation, double slope) {
    switch (activation) {
        case Activation::none: return sum;
        case Activation::rectify: return sum < 0 ? sum * slope : sum;
        case Activation::sigmoid: return 1 / (1 + std::exp(-sum));
        case Activation::tanh: return std::tanh(sum);
        case Activation::gelu: return 0.5 * sum * std::erfc(-sum / std::sqrt(2.0));
        case Activation::gelu_tanh: return 0.5 * sum * (1 + std::tanh(0.7978845608028654 * (sum + 0.044715 * sum * sum * sum)));
        case Activation::silu: return sum / (1 + std::exp(-sum));
    }
    return NAN;
}

// Times the slope of an activation where it gave this; whole numbers stay whole.
double sloped(double gradient, double result, Activation activation, double slope) {
    switch (activation) {
        case Activation::rectify: return result > 0 ? gradient : gradient * slope;
        case Activation::sigmoid: return gradient * (1 - result) * result;
        case Activation::tanh: return gradient * (1 - result * result);
        default: return gradient;
    }
}

bool near(float got, double wanted, Activation activation) {
    const double most = activation <= Activation::rectify ? 0 : 1e-5 * std::max(1.0, std::abs(wanted));
    return std::abs(value(got) - wanted) <= most;
}
bool near(Half got, double wanted, Activation activation) {
    if (value(got) == wanted) return true;
    const double most = activation <= Activation::rectify ? 0 : 1.0 / 256 * std::max(1e-2, std::abs(wanted));
    return std::abs(value(got) - nearest(wanted)) <= most;
}

}  // namespace

double value(float number) { return static_cast<double>(number); }
double value(Half half) {
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof wide);
    return static_cast<double>(wide);
}

Sums sums(const Problem& problem, const float* x, const float* y, const KernelView& kernel, const KernelView& gradient,
          int64_t gradient_size) {
    const int64_t ins = problem.coarse_channels, outs = problem.fine_channels, rows = problem.rows();
    const int64_t columns = ins / problem.groups;
    Sums made{std::vector<double>(problem.batch * problem.fine_cells() * outs),
              std::vector<double>(problem.batch * problem.coarse_cells() * ins), std::vector<double>(gradient_size)};
    joined(problem, [&](int64_t coarse, int64_t fine, int64_t tap) {
        for (int64_t c = 0; c < ins; ++c) {
            const int64_t first = fine * outs + c / columns * rows;
            const double from = value(x[coarse * ins + c]);
            double sum = 0;
            for (int64_t row = 0; row < rows; ++row) {
                const double weight = value(*kernel.at(tap, row, c)), to = value(y[first + row]);
                made.fine[first + row] += from * weight;
                sum += to * weight;
                made.gradient[tap * gradient.per_tap + row * gradient.per_row + c * gradient.per_column] += from * to;
            }
            made.coarse[coarse * ins + c] += sum;
        }
    });
    return made;
}

void finish_all(std::vector<double>& sums, const float* bias, int64_t channels, Activation activation, float slope) {
    for (size_t i = 0; i < sums.size(); ++i) {
        const double biased = sums[i] + (bias ? value(bias[static_cast<int64_t>(i) % channels]) : 0.0);
        sums[i] = finished(biased, activation, static_cast<double>(slope));
    }
}

template <typename Number>
Slopes slopes(const Number* results, const Number* gradients, int64_t places, int64_t channels, Activation activation,
              float slope) {
    Slopes made{std::vector<double>(places * channels), std::vector<double>(channels)};
    for (int64_t i = 0; i < places * channels; ++i) {
        made.before[i] = sloped(value(gradients[i]), value(results[i]), activation, static_cast<double>(slope));
        made.bias[i % channels] += made.before[i];
    }
    return made;
}

template <typename Number>
int64_t first_wrong(const Number* got, const std::vector<double>& wanted, Activation activation) {
    const int64_t count = static_cast<int64_t>(wanted.size());
    int64_t at = 0;
    while (at < count && near(got[at], wanted[at], activation)) ++at;
    return at;
}

template Slopes slopes(const float*, const float*, int64_t, int64_t, Activation, float);
template Slopes slopes(const Half*, const Half*, int64_t, int64_t, Activation, float);
template int64_t first_wrong(const float*, const std::vector<double>&, Activation);
template int64_t first_wrong(const Half*, const std::vector<double>&, Activation);

}  // namespace oracle
