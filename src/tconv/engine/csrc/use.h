// Whether a way is taken that nobody takes without being asked: its results are a little different.
#pragma once

#include <cstdint>

#include "environment.h"

namespace tconv {

enum class Use : int32_t { never, where_it_wins, wherever_possible };

// What the environment says.
inline Use asked_by(const char* variable) {
    return said(variable, {"1"}).empty() ? Use::never : Use::where_it_wins;
}

}  // namespace tconv
