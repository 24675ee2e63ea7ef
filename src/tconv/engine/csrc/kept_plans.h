// Plans that were made lately. Making one takes tens of microseconds: lengths that never come again cost little, and those that
// do, nothing.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "problem.h"

namespace tconv {

template <typename Plan>
class KeptPlans {
  public:
    // The plan of these numbers; safe from many threads.
    template <typename Make>
    std::shared_ptr<const Plan> of(std::vector<int64_t> key, const Make& make) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            for (auto it = kept_.begin(); it != kept_.end(); ++it)
                if (it->key == key) {
                    kept_.splice(kept_.begin(), kept_, it);
                    return it->plan;
                }
        }
        std::shared_ptr<const Plan> plan = make();
        std::lock_guard<std::mutex> lock(mutex_);
        kept_.push_front({std::move(key), plan});
        if (kept_.size() > kMost) kept_.pop_back();
        return plan;
    }

  private:
    struct Kept {
        std::vector<int64_t> key;
        std::shared_ptr<const Plan> plan;
    };
    static constexpr size_t kMost = 64;

    std::mutex mutex_;
    std::list<Kept> kept_;  // the latest first
};

// A problem's numbers, after others that a plan depends on.
inline std::vector<int64_t> key_of(std::vector<int64_t> key, const Problem& problem) {
    key.insert(key.end(), {problem.batch, problem.coarse_channels, problem.fine_channels, problem.groups});
    for (const Axis& a : problem.axes) key.insert(key.end(), {a.kernel, a.stride, a.dilation, a.lo, a.coarse, a.fine});
    return key;
}

}  // namespace tconv
