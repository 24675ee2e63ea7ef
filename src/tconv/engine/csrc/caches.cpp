#include "caches.h"

#include <atomic>

namespace tconv {
namespace {

std::atomic<int64_t> near{int64_t{256} << 10};

// The last cache of most processors, or what a core has of a larger one. That of Intel's servers (their processors with
// AVX-512 are servers in the main) is shared by dozens of cores and hardly faster than memory.
int64_t last_cache() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_is("intel") && __builtin_cpu_supports("avx512f")) return int64_t{8} << 20;
#endif
    return int64_t{32} << 20;
}
std::atomic<int64_t> far{last_cache()};

}  // namespace

int64_t near_bytes() { return near; }
void set_near_bytes(int64_t bytes) { near = bytes; }
int64_t streams_from() { return far; }
void set_streams_from(int64_t bytes) { far = bytes; }

}  // namespace tconv
