// Working memory for something else than floats.
#pragma once

#include <type_traits>

#include "half_kernels.h"
#include "scratch.h"

namespace tconv {

template <typename Item>
class ScratchFor {
  public:
    explicit ScratchFor(int64_t count)
        : floats_((count * static_cast<int64_t>(sizeof(Item)) + 3) / static_cast<int64_t>(sizeof(float))) {}
    Item* data() const { return reinterpret_cast<Item*>(floats_.data()); }

  private:
    const Scratch floats_;
};

using HalfScratch = ScratchFor<Half>;

template <typename Number>
using ScratchOf = std::conditional_t<std::is_same_v<Number, Half>, HalfScratch, Scratch>;

}  // namespace tconv
