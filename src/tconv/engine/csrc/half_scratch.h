// Working memory for numbers of 16 bits.
#pragma once

#include <type_traits>

#include "half_kernels.h"
#include "scratch.h"

namespace tconv {

class HalfScratch {
  public:
    explicit HalfScratch(int64_t halves) : floats_((halves + 1) / 2) {}
    Half* data() const { return reinterpret_cast<Half*>(floats_.data()); }

  private:
    const Scratch floats_;
};

template <typename Number>
using ScratchOf = std::conditional_t<std::is_same_v<Number, Half>, HalfScratch, Scratch>;

}  // namespace tconv
