// What is done to a sum before it is stored: a bias is added, an activation applied.
#pragma once

#include <cstdint>

namespace tconv {

// In the order of engine.ACTIVATIONS; ReLU is `rectify` with a slope of 0.
enum class Activation : int32_t { none, rectify, sigmoid, tanh, gelu, gelu_tanh, silu };

struct Finish {
    const float* bias = nullptr;  // one for each output channel
    Activation activation = Activation::none;
    float slope = 0;              // of the left side of `rectify`

    bool plain() const { return !bias && activation == Activation::none; }
};

}  // namespace tconv
