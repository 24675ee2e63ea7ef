// Layouts of a kernel that no longer changes, each made once: for the plans that met it lately.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace tconv {

class Layouts {
  public:
    // So many floats for whoever asks, filled when it asks first; safe from many threads, and kept as long as it is used.
    std::shared_ptr<const float> of(const std::shared_ptr<const void>& plan, int64_t floats,
                                    const std::function<void(float*)>& fill);

  private:
    struct Made {
        std::shared_ptr<const void> plan;  // kept, so that no other can come to lie at its address
        std::shared_ptr<const float> floats;
    };

    std::mutex mutex_;
    std::list<Made> made_;  // the latest first
};

}  // namespace tconv
