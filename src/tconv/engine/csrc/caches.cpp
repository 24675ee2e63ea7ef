#include "caches.h"

#include <atomic>

namespace tconv {
namespace {

std::atomic<int64_t> near{int64_t{256} << 10};
std::atomic<int64_t> far{int64_t{32} << 20};  // the last cache of most processors, or what a core has of a larger one

}  // namespace

int64_t near_bytes() { return near; }
void set_near_bytes(int64_t bytes) { near = bytes; }
int64_t streams_from() { return far; }
void set_streams_from(int64_t bytes) { far = bytes; }

}  // namespace tconv
