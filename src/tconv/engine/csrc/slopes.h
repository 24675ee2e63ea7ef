// The way back through a finish: what the sums before an activation receive, and what the bias does.
#pragma once

#include <cstdint>

#include "finish.h"
#include "half_kernels.h"

namespace tconv {

// The gradient of the sums at `places` places of `channels` each, from the gradient of the results; and its sums over all
// places. They do not depend on the number of threads. Numbers are float32, or the bits of bfloat16.
//   results   what the activation gave: a rectifier's, a sigmoid's or a tanh's own result tells its slope
//   before    where the gradient of the sums goes; null: it is that of the results, which no activation changed
//   bias      its sums, one for each channel; null: not asked for
template <typename Number>
void before_finish(Activation activation, float slope, const Number* results, const Number* gradients, int64_t places,
                   int64_t channels, Number* before, float* bias);

}  // namespace tconv
