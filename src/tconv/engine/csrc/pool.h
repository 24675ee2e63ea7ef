// Threads: an own small pool, or the OpenMP threads that the process has already. Either way the caller works too.
#pragma once

#include <cstdint>
#include <functional>

namespace tconv {

// How many threads a call may use: what was set, or else the lender's own number, or else the cores of the process.
int threads();
void set_threads(int count);  // 0: not set

// Three functions of an OpenMP runtime with GCC's interface. Beside a framework that keeps its threads spinning for
// milliseconds after each of its own loops, a second pool would wait for a core that does nothing.
struct OpenMP {
    void (*parallel)(void (*body)(void*), void* data, unsigned threads, unsigned flags);
    int (*max_threads)();
    int (*in_parallel)();
};
void borrow_threads(const OpenMP& lender);

// Runs body(i) for every i in [0, count), in any order, on up to threads() threads; returns when all are done. What a
// body throws is thrown here, once the others have stopped.
void parallel_for(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace tconv
