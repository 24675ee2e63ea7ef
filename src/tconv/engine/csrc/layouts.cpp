#include "layouts.h"

#include <algorithm>
#include <utility>

#include "pages.h"

namespace tconv {

std::shared_ptr<const float> Layouts::of(const std::shared_ptr<const void>& plan, int64_t floats,
                                         const std::function<void(float*)>& fill) {
    constexpr size_t kKept = 4;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = made_.begin(); it != made_.end(); ++it)
        if (it->plan == plan) {
            made_.splice(made_.begin(), made_, it);
            return it->floats;
        }
    const std::shared_ptr<float> fresh(take_pages(std::max<int64_t>(1, floats)), give_pages);
    fill(fresh.get());
    made_.push_front({plan, fresh});
    if (made_.size() > kKept) made_.pop_back();
    return fresh;
}

}  // namespace tconv
