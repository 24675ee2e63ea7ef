#include "scratch.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include <unistd.h>

#include "pages.h"
#include "streaming.h"

namespace tconv {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kStep = 1;  // every call's own, to the float, so that a touch beside it is reported
int64_t most_kept() { return 0; }
#else
constexpr int64_t kStep = 1024;
// Floats: a gigabyte, or an eighth of the memory that there is.
int64_t most_kept() {
    static const int64_t most = [] {
        constexpr int64_t kMost = int64_t{1} << 30;
        const int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
        const int64_t share = pages > 0 && page > 0 ? pages / 8 * page : kMost;
        return std::min(kMost, share) / static_cast<int64_t>(sizeof(float));
    }();
    return most;
}
#endif

struct Block {
    int64_t floats;
    float* data;
};

// What was handed back, the oldest first: it is the first to go when there is too much.
struct Shelf {
    std::mutex mutex;
    std::vector<Block> blocks;
    int64_t held = 0;

    // The least block that is large enough, and not much too large; of no floats if there is none.
    Block take(int64_t floats) {
        std::lock_guard<std::mutex> lock(mutex);
        auto best = blocks.end();
        for (auto it = blocks.begin(); it != blocks.end(); ++it)
            if (it->floats >= floats && it->floats <= floats + floats / 4 + kRoom &&
                (best == blocks.end() || it->floats < best->floats))
                best = it;
        if (best == blocks.end()) return {0, nullptr};
        const Block found = *best;
        held -= found.floats;
        blocks.erase(best);
        return found;
    }

    void put(Block block) {
        std::lock_guard<std::mutex> lock(mutex);
        held += block.floats;
        blocks.push_back(block);
        auto kept = blocks.begin();
        for (; held > most_kept(); ++kept) {
            held -= kept->floats;
            give_pages(kept->data);
        }
        blocks.erase(blocks.begin(), kept);
    }

  private:
    static constexpr int64_t kRoom = int64_t{1} << 20;
};

Shelf& shelf() {
    static Shelf* const one = new Shelf;  // outlives every thread
    return *one;
}

}  // namespace

Scratch::Scratch(int64_t floats) {
    alignas(kLine) static float none[1];
    if (floats == 0) {
        data_ = none;
        return;
    }
    floats_ = (floats + kStep - 1) / kStep * kStep;
    const Block kept = shelf().take(floats_);
    if (kept.data) floats_ = kept.floats;
    data_ = kept.data ? kept.data : take_pages(floats_);
}

Scratch::~Scratch() {
    if (floats_) shelf().put({floats_, data_});
}

}  // namespace tconv
