// Both layers as one thing: outputs on a lattice, each the sum over some taps of `input[q * step + shift]`.
//
// A convolution is one lattice with all taps. A transposed convolution is one lattice for each phase (fine index + lo
// mod stride) with every stride-th tap. Where channels are few, either is one lattice of whole blocks along the last axis,
// whose lanes are (cell, channel): of some points of a convolution, of all phases of some cells of a transposed one.
#pragma once

#include <cstdint>
#include <vector>

#include "problem.h"

namespace tconv {

struct Tap {
    int64_t shift;               // input cell of lattice point q: q * step + shift
    std::vector<int64_t> index;  // the kernel's tap for each cell of a block; -1: none
};

// Lattice points with the same taps: those from the `from`th of a base on.
struct Segment {
    int64_t first, count;        // lattice points
    int64_t out, step;           // output cell of the first point, and from one point to the next
    int64_t base, from, taps;
};

struct Lattice {
    int64_t step;                // input cells from one point to the next
    int64_t input, output;       // sizes
    int64_t phases;              // output cells of one point: 1, or those of a block
    std::vector<std::vector<Tap>> bases;  // taps by their shift
    std::vector<Segment> segments;

    const Tap* taps(const Segment& segment) const { return bases[segment.base].data() + segment.from; }
    int64_t begin() const;           // points: the first of all segments
    int64_t end() const;             // and one past the last
    int64_t least_shift() const;     // over all taps
    int64_t reach() const { return greatest_shift() - least_shift() + 1; }  // cells that one point sees, and those between
    int64_t greatest_shift() const;
    bool inside() const;             // whether every tap meets the input at every point of its segment
    Lattice split() const;           // the same, its segments cut where a tap begins or ends to meet the input
};

Lattice gathering(const Axis& axis);
Lattice scattering(const Axis& axis);
Lattice gathering_in_blocks(const Axis& axis, int64_t points);
Lattice scattering_in_blocks(const Axis& axis, int64_t points);

}  // namespace tconv
