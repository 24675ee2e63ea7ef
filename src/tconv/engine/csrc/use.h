// Whether a way is taken that nobody takes without being asked: its results are a little different.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace tconv {

enum class Use : int32_t { never, where_it_wins, wherever_possible };

// What the environment says.
inline Use asked_by(const char* variable) {
    const char* text = std::getenv(variable);
    return text && !std::strcmp(text, "1") ? Use::where_it_wins : Use::never;
}

}  // namespace tconv
