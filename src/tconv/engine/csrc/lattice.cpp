#include "lattice.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace tconv {
namespace {

bool meets(const Lattice& lattice, const Tap& tap, int64_t point) {
    const int64_t cell = point * lattice.step + tap.shift;
    return cell >= 0 && cell < lattice.input;
}

// The points of a segment at which a tap meets the input: [first, second).
std::pair<int64_t, int64_t> met(const Lattice& lattice, const Segment& segment, const Tap& tap) {
    const int64_t first = std::max(segment.first, ceil_div(-tap.shift, lattice.step));
    const int64_t last = floor_div(lattice.input - 1 - tap.shift, lattice.step);
    return {first, std::max(first, std::min(segment.first + segment.count, last + 1))};
}

// Adds a segment with those of the taps that meet the input somewhere.
void add(Lattice& lattice, Segment segment, std::vector<Tap> taps) {
    if (segment.count < 1) return;
    const auto idle = [&](const Tap& tap) {
        const auto [first, end] = met(lattice, segment, tap);
        return first == end;
    };
    taps.erase(std::remove_if(taps.begin(), taps.end(), idle), taps.end());
    std::sort(taps.begin(), taps.end(), [](const Tap& a, const Tap& b) { return a.shift < b.shift; });
    segment.base = static_cast<int64_t>(lattice.bases.size()), segment.from = 0;
    segment.taps = static_cast<int64_t>(taps.size());
    lattice.bases.push_back(std::move(taps));
    lattice.segments.push_back(segment);
}

}  // namespace

Lattice Lattice::split() const {
    Lattice finer{step, input, output, phases, bases, {}};
    for (const Segment& whole : segments) {
        std::vector<int64_t> cuts{whole.first, whole.first + whole.count};
        for (int64_t t = 0; t < whole.taps; ++t) {
            const auto [first, end] = met(*this, whole, taps(whole)[t]);
            cuts.insert(cuts.end(), {first, end});
        }
        std::sort(cuts.begin(), cuts.end());
        cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            const int64_t point = cuts[i], skipped = point - whole.first;
            Segment part{point, cuts[i + 1] - point, whole.out + skipped * whole.step, whole.step, whole.base, 0, 0};
            for (int64_t t = 0; t < whole.taps; ++t)  // those that meet a point lie side by side in the order of shifts
                if (meets(*this, taps(whole)[t], point) && part.taps++ == 0) part.from = whole.from + t;
            finer.segments.push_back(part);
        }
    }
    return finer;
}

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
        if (s.taps) least = std::min(least, taps(s)[0].shift);
    return least == std::numeric_limits<int64_t>::max() ? 0 : least;
}

int64_t Lattice::greatest_shift() const {
    int64_t most = std::numeric_limits<int64_t>::min();
    for (const Segment& s : segments)
        if (s.taps) most = std::max(most, taps(s)[s.taps - 1].shift);
    return most == std::numeric_limits<int64_t>::min() ? 0 : most;
}

bool Lattice::inside() const {
    for (const Segment& s : segments)
        for (int64_t t = 0; t < s.taps; ++t)
            if (!meets(*this, taps(s)[t], s.first) || !meets(*this, taps(s)[t], s.first + s.count - 1)) return false;
    return true;
}

Lattice gathering(const Axis& axis) {
    Lattice lattice{axis.stride, axis.fine, axis.coarse, 1, {}, {}};
    std::vector<Tap> taps;
    for (int64_t t = 0; t < axis.kernel; ++t) taps.push_back({t * axis.dilation - axis.lo, {t}});
    add(lattice, {0, axis.coarse, 0, 1, 0, 0, 0}, std::move(taps));
    return lattice;
}

Lattice scattering(const Axis& axis) {
    Lattice lattice{1, axis.coarse, axis.fine, 1, {}, {}};
    for (int64_t phase = 0; phase < axis.stride; ++phase) {
        const int64_t first = ceil_div(axis.lo - phase, axis.stride);
        const int64_t last = floor_div(axis.fine - 1 + axis.lo - phase, axis.stride);
        std::vector<Tap> taps;
        for (int64_t t = 0; t < axis.kernel; ++t)
            if ((phase - t * axis.dilation) % axis.stride == 0)
                taps.push_back({(phase - t * axis.dilation) / axis.stride, {t}});
        add(lattice, {first, last - first + 1, first * axis.stride + phase - axis.lo, axis.stride, 0, 0, 0},
            std::move(taps));
    }
    return lattice;
}

namespace {

// One lattice of blocks, of which the first begins at an output cell; `meeting(r, t)` is the shift at which tap t meets the
// rth cell of a block, if it does.
template <typename Meeting>
Lattice of_blocks(Lattice lattice, const Axis& axis, int64_t begin, int64_t first, const Meeting& meeting) {
    std::vector<Tap> taps;
    for (int64_t r = 0; r < lattice.phases; ++r)
        for (int64_t t = 0; t < axis.kernel; ++t) {
            const std::optional<int64_t> shift = meeting(r, t * axis.dilation);
            if (!shift) continue;
            auto tap = std::find_if(taps.begin(), taps.end(), [&](const Tap& one) { return one.shift == *shift; });
            if (tap == taps.end()) tap = taps.insert(taps.end(), {*shift, std::vector<int64_t>(lattice.phases, -1)});
            tap->index[r] = t;
        }
    const int64_t count = ceil_div(lattice.output - begin, lattice.phases);
    add(lattice, {first, count, begin, lattice.phases, 0, 0, 0}, std::move(taps));
    return lattice;
}

}  // namespace

Lattice gathering_in_blocks(const Axis& axis, int64_t points) {
    return of_blocks({points * axis.stride, axis.fine, axis.coarse, points, {}, {}}, axis, 0, 0,
                     [&](int64_t r, int64_t t) { return std::optional(r * axis.stride + t - axis.lo); });
}

Lattice scattering_in_blocks(const Axis& axis, int64_t points) {
    const int64_t cells = points * axis.stride, first = floor_div(axis.lo, cells);
    return of_blocks({points, axis.coarse, axis.fine, cells, {}, {}}, axis, first * cells - axis.lo, first,
                     [&](int64_t r, int64_t t) {
                         const bool meets = (r - t) % axis.stride == 0;
                         return meets ? std::optional((r - t) / axis.stride) : std::nullopt;
                     });
}

}  // namespace tconv
