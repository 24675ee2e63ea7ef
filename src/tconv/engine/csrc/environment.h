// What the environment says. A variable that says something else than it can counts as not set; Python tells the user so.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <system_error>

namespace tconv {

// The one of these words that the variable says, or an empty one.
inline std::string_view said(const char* variable, std::initializer_list<std::string_view> words) {
    const char* text = std::getenv(variable);
    if (!text) return {};
    const auto word = std::find(words.begin(), words.end(), std::string_view(text));
    return word == words.end() ? std::string_view() : *word;
}

// The instruction set that may be used at most: "amx", "avx512", "avx2" or "baseline"; empty for all that there is.
inline std::string_view wanted_isa() { return said("TCONV_ISA", {"amx", "avx512", "avx2", "baseline"}); }

// How many threads a call may use; 0 where nothing is said.
inline int wanted_threads() {
    const char* text = std::getenv("TCONV_NUM_THREADS");
    if (!text) return 0;
    int count = 0;
    const char* end = text + std::strlen(text);
    const auto read = std::from_chars(text, end, count);
    return read.ec == std::errc() && read.ptr == end ? std::max(0, count) : 0;
}

}  // namespace tconv
