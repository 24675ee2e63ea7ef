#include "streaming.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace tconv {
void settle() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

}  // namespace tconv
