// A small thread pool: the caller works too, and a caller that finds the pool busy works alone.
#pragma once

#include <cstdint>
#include <functional>

namespace tconv {

int threads();
void set_threads(int count);

// Runs body(i) for every i in [0, count), in any order, on up to threads() threads; returns when all are done.
void parallel_for(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace tconv
