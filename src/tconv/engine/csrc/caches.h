// What plans take the caches to hold.
#pragma once

#include <cstdint>

namespace tconv {

// Bytes of a kernel's part that stay in the second cache, beside what else is in it. How long sums are cut into parts
// follows from it, so it is the same for every processor.
int64_t near_bytes();
void set_near_bytes(int64_t bytes);

// From how many bytes on a result counts as larger than the caches. It changes no bit.
int64_t streams_from();
void set_streams_from(int64_t bytes);

}  // namespace tconv
