// A copy of an array in which cells of one residue of a stride lie side by side: a tap is no more than a shift in it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "problem.h"

namespace tconv {

// One axis: a line of cells of one residue, then one of the next.
struct ResidueSide {
    int64_t step = 1;
    int64_t least = 0, cells = 0;   // of the shifts, in steps; in a line
    std::vector<int64_t> residues;  // as they follow one another

    void add(int64_t shift) {
        const int64_t one = shift - floor_div(shift, step) * step;
        if (std::find(residues.begin(), residues.end(), one) == residues.end()) residues.push_back(one);
    }
    // Which residue a shift has, of those that were added, and which cell of its line.
    int64_t residue(int64_t shift) const {
        const int64_t one = shift - floor_div(shift, step) * step;
        return std::find(residues.begin(), residues.end(), one) - residues.begin();
    }
    int64_t cell(int64_t shift) const { return floor_div(shift, step) - least; }
    int64_t count() const { return static_cast<int64_t>(residues.size()); }
};

template <typename Side>
int64_t residues_of(const std::array<Side, 3>& sides) {
    return sides[0].count() * sides[1].count() * sides[2].count();
}

template <typename Side>
int64_t cells_of(const std::array<Side, 3>& sides) {
    return sides[0].cells * sides[1].cells * sides[2].cells;
}

}  // namespace tconv
