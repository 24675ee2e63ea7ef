// What plans take the caches to hold. The numbers are the same for every processor, and so are results to the bit.
#pragma once

#include <cstdint>

namespace tconv {

// Bytes of a kernel's part that stay in the second cache, beside what else is in it.
int64_t near_bytes();
void set_near_bytes(int64_t bytes);

// From how many bytes on a result counts as larger than the caches.
int64_t streams_from();
void set_streams_from(int64_t bytes);

}  // namespace tconv
