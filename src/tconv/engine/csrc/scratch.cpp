#include "scratch.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "pages.h"

namespace tconv {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kKeep = 0, kStep = 1;  // every call's own, to the float, so that a touch beside it is reported
#else
constexpr int64_t kKeep = int64_t{64} << 20, kStep = 1024;  // floats kept between calls at the most; sizes in steps
#endif

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

Scratch::Scratch(int64_t floats) : floats_(std::max(floats, kStep)) {
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
    floats_ = (floats_ + kStep - 1) / kStep * kStep;
    data_ = take_pages(floats_);
}

Scratch::~Scratch() {
    Shelf& here = shelf();
    std::lock_guard<std::mutex> lock(here.mutex);
    if (here.held + floats_ > kKeep) {
        give_pages(data_);
        return;
    }
    here.held += floats_;
    here.blocks.emplace_back(floats_, data_);
}

}  // namespace tconv
