// What the engine should give, by loops over the one relation, in double precision.
#pragma once

#include <cstdint>
#include <vector>

#include "finish.h"
#include "kernel_view.h"

namespace oracle {

double value(float number);
double value(tconv::Half half);

// Results of the three contractions, without a finish.
struct Sums {
    std::vector<double> fine, coarse, gradient;
};
Sums sums(const tconv::Problem& problem, const float* x, const float* y, const tconv::KernelView& kernel,
          const tconv::KernelView& gradient, int64_t gradient_size);

// A layer's bias, if there is one, and its activation.
void finish_all(std::vector<double>& sums, const float* bias, int64_t channels, tconv::Activation activation,
                float slope);

// What the sums before a finish receive, and the bias, if the layer gave these results and they receive these gradients.
struct Slopes {
    std::vector<double> before, bias;
};
template <typename Number>
Slopes slopes(const Number* results, const Number* gradients, int64_t places, int64_t channels,
              tconv::Activation activation, float slope);

// The first number that is not the one wanted, or as near as the activation can be; or else how many there are.
template <typename Number>
int64_t first_wrong(const Number* got, const std::vector<double>& wanted, tconv::Activation activation);

}  // namespace oracle
