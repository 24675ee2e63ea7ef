#include "pages.h"

#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "streaming.h"

namespace tconv {

float* take_pages(int64_t floats) {
    constexpr int64_t kLarge = int64_t{2} << 20;
    const int64_t bytes = floats * static_cast<int64_t>(sizeof(float));
    void* block = nullptr;
    if (posix_memalign(&block, bytes >= kLarge ? kLarge : kLine, bytes) != 0) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (bytes >= kLarge) madvise(block, bytes / kLarge * kLarge, MADV_HUGEPAGE);
#endif
    return static_cast<float*>(block);
}

void give_pages(float* block) { std::free(block); }

}  // namespace tconv
