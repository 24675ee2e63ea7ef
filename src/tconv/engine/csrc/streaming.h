// A result that is larger than the caches is stored past them: a line of it that is written whole need not be read first,
// which spares half of what such a store moves.
#pragma once

#include <cstdint>

namespace tconv {

constexpr int64_t kLine = 64;  // bytes

// Copies whole lines to where a line begins, past the caches.
void copy_past(const void* from, int64_t bytes, void* to);

// Copies bytes, past the caches where that is wanted and they make whole lines.
void put(const void* from, int64_t bytes, void* to, bool past);

// What this thread has stored past the caches is seen by all who see what it stores after this.
void settle();

}  // namespace tconv
