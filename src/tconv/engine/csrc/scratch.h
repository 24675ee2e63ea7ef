// Memory that is handed back and taken again, so that calls do not pay for fresh pages: for work, and for large results.
#pragma once

#include <cstdint>

namespace tconv {

class Scratch {
  public:
    explicit Scratch(int64_t floats);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    float* data() const { return data_; }

  private:
    float* data_;
    int64_t floats_ = 0;
};

}  // namespace tconv
