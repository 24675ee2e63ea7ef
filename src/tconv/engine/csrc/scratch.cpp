#include "scratch.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace tconv {
namespace {

constexpr int64_t kKeep = int64_t{64} << 20;  // floats kept between calls, at the most

struct Shelf {
    std::mutex mutex;
    std::vector<std::pair<int64_t, float*>> blocks;
    int64_t held = 0;
};

Shelf& shelf() {
    static Shelf* const one = new Shelf;  // outlives every thread
    return *one;
}

}  // namespace

Scratch::Scratch(int64_t floats) : floats_(std::max<int64_t>(floats, 1024)) {
    {
        Shelf& here = shelf();
        std::lock_guard<std::mutex> lock(here.mutex);
        auto best = here.blocks.end();
        for (auto it = here.blocks.begin(); it != here.blocks.end(); ++it)
            if (it->first >= floats_ && (best == here.blocks.end() || it->first < best->first)) best = it;
        if (best != here.blocks.end()) {
            data_ = best->second, floats_ = best->first;
            here.held -= floats_;
            here.blocks.erase(best);
            return;
        }
    }
    floats_ = (floats_ + 1023) / 1024 * 1024;
    data_ = static_cast<float*>(std::aligned_alloc(64, floats_ * sizeof(float)));
    if (!data_) throw std::bad_alloc();
}

Scratch::~Scratch() {
    Shelf& here = shelf();
    std::lock_guard<std::mutex> lock(here.mutex);
    if (here.held + floats_ > kKeep) {
        std::free(data_);
        return;
    }
    here.held += floats_;
    here.blocks.emplace_back(floats_, data_);
}

}  // namespace tconv
