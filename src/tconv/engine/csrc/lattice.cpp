#include "lattice.h"

#include <algorithm>
#include <limits>

namespace tconv {
namespace {

bool meets(const Lattice& lattice, const Tap& tap, int64_t point) {
    const int64_t cell = point * lattice.step + tap.shift;
    return cell >= 0 && cell < lattice.input;
}

// The taps that meet the input at a point of the lattice.
std::vector<Tap> taps_at(const Lattice& lattice, const Segment& segment, int64_t point) {
    std::vector<Tap> kept;
    for (const Tap& tap : segment.taps)
        if (meets(lattice, tap, point)) kept.push_back(tap);
    return kept;
}

void drop_idle_taps(const Lattice& lattice, Segment& segment) {
    const auto idle = [&](const Tap& tap) {
        const int64_t last = segment.first + segment.count - 1;
        const int64_t from = std::max(segment.first, ceil_div(-tap.shift, lattice.step));
        const int64_t to = std::min(last, floor_div(lattice.input - 1 - tap.shift, lattice.step));
        return from > to;
    };
    segment.taps.erase(std::remove_if(segment.taps.begin(), segment.taps.end(), idle), segment.taps.end());
}

bool same_shifts(const std::vector<Tap>& a, const std::vector<Tap>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Tap& s, const Tap& t) { return s.shift == t.shift; });
}

// On tiny grids most products would be with the zeros around them: there every run of points keeps its own taps.
constexpr int64_t kTiny = 8;

void add(Lattice& lattice, Segment segment) {
    if (segment.count < 1) return;
    drop_idle_taps(lattice, segment);
    std::sort(segment.taps.begin(), segment.taps.end(), [](const Tap& a, const Tap& b) { return a.shift < b.shift; });
    int64_t useful = 0;
    for (int64_t i = 0; segment.count <= kTiny && i < segment.count; ++i)
        useful += taps_at(lattice, segment, segment.first + i).size();
    const int64_t all = segment.count * static_cast<int64_t>(segment.taps.size());
    if (segment.count > kTiny || useful * 3 > all * 2 || all == 0) {
        lattice.segments.push_back(std::move(segment));
        return;
    }
    for (int64_t i = 0; i < segment.count; ++i) {
        Segment one{segment.first + i, 1, segment.out + i * segment.step, segment.step, {}};
        one.taps = taps_at(lattice, segment, one.first);
        Segment* last = lattice.segments.empty() || i == 0 ? nullptr : &lattice.segments.back();
        if (last && same_shifts(last->taps, one.taps)) ++last->count;
        else lattice.segments.push_back(std::move(one));
    }
}

}  // namespace

int64_t Lattice::begin() const {
    int64_t point = segments.front().first;
    for (const Segment& s : segments) point = std::min(point, s.first);
    return point;
}

int64_t Lattice::end() const {
    int64_t point = segments.front().first;
    for (const Segment& s : segments) point = std::max(point, s.first + s.count);
    return point;
}

int64_t Lattice::least_shift() const {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const Segment& s : segments)
        for (const Tap& tap : s.taps) least = std::min(least, tap.shift);
    return least == std::numeric_limits<int64_t>::max() ? 0 : least;
}

int64_t Lattice::greatest_shift() const {
    int64_t most = std::numeric_limits<int64_t>::min();
    for (const Segment& s : segments)
        for (const Tap& tap : s.taps) most = std::max(most, tap.shift);
    return most == std::numeric_limits<int64_t>::min() ? 0 : most;
}

bool Lattice::inside() const {
    for (const Segment& s : segments)
        for (const Tap& tap : s.taps)
            if (!meets(*this, tap, s.first) || !meets(*this, tap, s.first + s.count - 1)) return false;
    return true;
}

Lattice gathering(const Axis& axis) {
    Lattice lattice{axis.stride, axis.fine, axis.coarse, 1, {}};
    Segment segment{0, axis.coarse, 0, 1, {}};
    for (int64_t t = 0; t < axis.kernel; ++t) segment.taps.push_back({t * axis.dilation - axis.lo, {t}});
    add(lattice, std::move(segment));
    return lattice;
}

Lattice scattering(const Axis& axis) {
    Lattice lattice{1, axis.coarse, axis.fine, 1, {}};
    for (int64_t phase = 0; phase < axis.stride; ++phase) {
        const int64_t first = ceil_div(axis.lo - phase, axis.stride);
        const int64_t last = floor_div(axis.fine - 1 + axis.lo - phase, axis.stride);
        Segment segment{first, last - first + 1, first * axis.stride + phase - axis.lo, axis.stride, {}};
        for (int64_t t = 0; t < axis.kernel; ++t)
            if ((phase - t * axis.dilation) % axis.stride == 0)
                segment.taps.push_back({(phase - t * axis.dilation) / axis.stride, {t}});
        add(lattice, std::move(segment));
    }
    return lattice;
}

Lattice scattering_in_blocks(const Axis& axis) {
    Lattice lattice{1, axis.coarse, axis.fine, axis.stride, {}};
    const int64_t first = floor_div(axis.lo, axis.stride);
    const int64_t last = floor_div(axis.fine - 1 + axis.lo, axis.stride);
    Segment segment{first, last - first + 1, first * axis.stride - axis.lo, axis.stride, {}};
    for (int64_t t = 0; t < axis.kernel; ++t) {
        const int64_t fall = t * axis.dilation;
        const int64_t phase = fall % axis.stride, shift = (phase - fall) / axis.stride;
        auto tap = std::find_if(segment.taps.begin(), segment.taps.end(), [&](const Tap& s) { return s.shift == shift; });
        if (tap == segment.taps.end()) {
            segment.taps.push_back({shift, std::vector<int64_t>(axis.stride, -1)});
            tap = segment.taps.end() - 1;
        }
        tap->index[phase] = t;
    }
    add(lattice, std::move(segment));
    return lattice;
}

}  // namespace tconv
