#include "streaming.h"

#include <atomic>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace tconv {
namespace {

std::atomic<int64_t> least{int64_t{32} << 20};  // the last cache of most processors, or what a core has of a larger one

}  // namespace

int64_t streams_from() { return least; }
void set_streams_from(int64_t bytes) { least = bytes; }

void settle() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

}  // namespace tconv
