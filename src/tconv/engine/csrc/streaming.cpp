#include "streaming.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tconv {

void copy_past(const void* from, int64_t bytes, void* to) {
#if defined(__SSE2__)
    const auto* source = static_cast<const __m128i*>(from);
    auto* lines = static_cast<__m128i*>(to);
    for (int64_t i = 0; i < bytes / 16; ++i) _mm_stream_si128(lines + i, _mm_loadu_si128(source + i));
#else
    std::memcpy(to, from, bytes);
#endif
}

void put(const void* from, int64_t bytes, void* to, bool past) {
    const bool lines = reinterpret_cast<uintptr_t>(to) % kLine == 0 && bytes % kLine == 0;
    if (past && lines) copy_past(from, bytes, to);
    else std::memcpy(to, from, bytes);
}

void settle() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

}  // namespace tconv
