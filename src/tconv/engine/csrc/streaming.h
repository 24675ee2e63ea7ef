// A result that is larger than the caches is stored past them: a line of it that is written whole need not be read first,
// which spares half of what such a store moves.
#pragma once

#include <cstdint>

namespace tconv {

constexpr int64_t kLine = 64;  // bytes

// What this thread has stored past the caches is seen by all who see what it stores after this.
void settle();

}  // namespace tconv
