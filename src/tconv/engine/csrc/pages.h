// Memory that begins with a line, and lies in large pages where the system gives them: an array of many small ones is
// looked up more often than it is read.
#pragma once

#include <cstdint>

namespace tconv {

float* take_pages(int64_t floats);  // throws std::bad_alloc
void give_pages(float* block);

}  // namespace tconv
