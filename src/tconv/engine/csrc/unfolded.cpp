#include "unfolded.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "half_scratch.h"
#include "halves.h"
#include "kernels.h"
#include "pool.h"
#include "split.h"
#include "turned.h"
#include "winograd.h"

namespace tconv {
namespace {

constexpr int64_t kSome = 64;   // channels that are turned at a time
constexpr int64_t kWhole = 16;  // taps up to a multiple of which they are turned

int64_t places_of(const Problem& problem) { return problem.batch * problem.coarse_cells(); }

// The layer of one tap: its fine channels are the coarse ones here, its coarse ones those of unfolded cells.
Problem of_one_tap(const Problem& problem) {
    const int64_t places = places_of(problem), run = problem.taps() * problem.rows();
    const int64_t numbers[] = {1, 1, run, problem.coarse_channels, 1, 1, 1, 1, 0, places, places};
    return {numbers, sizeof numbers / sizeof *numbers};
}

template <typename Number>
KernelOf<Number> of_one_tap(const KernelOf<Number>& kernel) {
    return {kernel.data, 0, kernel.per_column, 1};
}

// The fine cell, of one image, that each tap of a coarse cell meets; -1 for none.
void meet(const Problem& problem, int64_t cell, int64_t* cells) {
    const auto& [a0, a1, a2] = problem.axes;
    const auto along = [](const Axis& axis, int64_t coarse, int64_t tap) {
        const int64_t at = coarse * axis.stride + tap * axis.dilation - axis.lo;
        return at < 0 || at >= axis.fine ? -1 : at;
    };
    const int64_t x = cell % a2.coarse, y = cell / a2.coarse % a1.coarse, z = cell / a2.coarse / a1.coarse;
    for (int64_t i = 0; i < a0.kernel; ++i)
        for (int64_t j = 0; j < a1.kernel; ++j)
            for (int64_t k = 0; k < a2.kernel; ++k) {
                const int64_t fz = along(a0, z, i), fy = along(a1, y, j), fx = along(a2, x, k);
                *cells++ = fz < 0 || fy < 0 || fx < 0 ? -1 : (fz * a1.fine + fy) * a2.fine + fx;
            }
}

// Some channels of a cell, in two orders: channel by channel their taps, and tap by tap the channels, kSome apart. Vectors
// turn whole numbers of taps.
template <typename Number>
class Cell {
  public:
    explicit Cell(int64_t taps)
        : taps_(taps), padded_(ceil_div(taps, kWhole) * kWhole), by_tap_(padded_ * kSome), by_channel_(padded_ * kSome) {
        std::memset(by_tap_.data(), 0, padded_ * kSome * sizeof(Number));
    }
    Number* tap(int64_t at) const { return by_tap_.data() + at * kSome; }

    // Each channel's taps, from those of each tap; and back.
    void put(int64_t channels, Number* out) const {
        Number* const across = whole() ? out : by_channel_.data();
        turned(by_tap_.data(), kSome, padded_, channels, across, padded_);
        for (int64_t c = 0; !whole() && c < channels; ++c)
            std::memcpy(out + c * taps_, across + c * padded_, taps_ * sizeof(Number));
    }
    void take(int64_t channels, const Number* from) const {
        for (int64_t c = 0; !whole() && c < channels; ++c)
            std::memcpy(by_channel_.data() + c * padded_, from + c * taps_, taps_ * sizeof(Number));
        turned(whole() ? from : by_channel_.data(), padded_, channels, padded_, by_tap_.data(), kSome);
    }

  private:
    bool whole() const { return padded_ == taps_; }

    const int64_t taps_, padded_;
    const ScratchOf<Number> by_tap_, by_channel_;
};

template <typename Number>
void unfold(const Problem& problem, const Number* fine, Number* unfolded) {
    const int64_t channels = problem.fine_channels, taps = problem.taps(), cells = problem.coarse_cells();
    parallel_for(places_of(problem), [&](int64_t place) {
        const Number* image = fine + place / cells * problem.fine_cells() * channels;
        const Cell<Number> cell(taps);
        std::vector<int64_t> met(taps);
        meet(problem, place % cells, met.data());
        for (int64_t first = 0; first < channels; first += kSome) {
            const int64_t count = std::min(kSome, channels - first);
            for (int64_t tap = 0; tap < taps; ++tap) {
                Number* const to = cell.tap(tap);
                if (met[tap] < 0) std::memset(to, 0, count * sizeof(Number));
                else std::memcpy(to, image + met[tap] * channels + first, count * sizeof(Number));
            }
            cell.put(count, unfolded + (place * channels + first) * taps);
        }
    });
}

void finish_cells(float* cells, int64_t count, int64_t step, int64_t channels, const Finish& finish) {
    if (finish.plain()) return;
    for (int64_t at = 0; at < count; ++at, cells += step) kernels().finish(cells, finish, cells, channels);
}

// Each task adds up some channels of an image, so that no two meet in a number.
void fold(const Problem& problem, const float* unfolded, float* fine, const Finish& finish) {
    const int64_t channels = problem.fine_channels, taps = problem.taps();
    const int64_t cells = problem.coarse_cells(), fine_cells = problem.fine_cells(), parts = ceil_div(channels, kSome);
    parallel_for(problem.batch * parts, [&](int64_t task) {
        const int64_t n = task / parts, first = task % parts * kSome, count = std::min(kSome, channels - first);
        float* const image = fine + n * fine_cells * channels + first;
        for (int64_t at = 0; at < fine_cells; ++at) std::memset(image + at * channels, 0, count * sizeof(float));
        const Cell<float> cell(taps);
        std::vector<int64_t> met(taps);
        for (int64_t at = 0; at < cells; ++at) {
            meet(problem, at, met.data());
            cell.take(count, unfolded + ((n * cells + at) * channels + first) * taps);
            for (int64_t tap = 0; tap < taps; ++tap) {
                if (met[tap] < 0) continue;
                const float* from = cell.tap(tap);
                float* to = image + met[tap] * channels;
                for (int64_t c = 0; c < count; ++c) to[c] += from[c];
            }
        }
        Finish here = finish;
        if (finish.bias) here.bias += first;
        finish_cells(image, fine_cells, channels, count, here);
    });
}

template <typename Number>
bool suits(const Problem& problem, const KernelOf<Number>& kernel) {
    const int64_t taps = problem.taps();
    const bool forced = split() == Use::wherever_possible || winograd() == Use::wherever_possible;
    return !forced && problem.groups == 1 && taps > 1 && kernel.per_tap == 1 && kernel.per_row == taps &&
           kernel.per_column >= taps * problem.rows() && 2 * places_of(problem) <= problem.coarse_channels;
}

// Numbers as they are summed, and as they are handed over.
template <typename Number>
class Summed {
  public:
    Summed(Number* to, int64_t count) : to_(to), count_(count), sums_(kRounds ? count : 0) {}
    float* data() const {
        if constexpr (kRounds) return sums_.data();
        else return to_;
    }
    void hand_over() const {
        if constexpr (kRounds) narrow(sums_.data(), count_, to_);
    }

  private:
    static constexpr bool kRounds = std::is_same_v<Number, Half>;
    Number* const to_;
    const int64_t count_;
    const Scratch sums_;
};

bool all_finite(const float* numbers, int64_t count) { return kernels().finite(numbers, count); }
bool all_finite(const Half* numbers, int64_t count) {
    const Scratch wide(count);
    widen(numbers, count, wide.data());
    return all_finite(wide.data(), count);
}

}  // namespace

bool unfolds(const Problem& problem, const KernelView& kernel) { return suits(problem, kernel); }

// Pairs of numbers are read as words.
bool unfolds(const Problem& problem, const HalfView& kernel) {
    return suits(problem, kernel) && kernel.per_column % 2 == 0 &&
           reinterpret_cast<uintptr_t>(kernel.data) % (2 * sizeof(Half)) == 0;
}

template <typename Number>
bool unfolded(const Problem& problem, const Number* input, const KernelOf<Number>& kernel, Number* output, bool transposed,
              const Finish& finish) {
    const int64_t places = places_of(problem), channels = problem.coarse_channels;
    const int64_t numbers = places * problem.taps() * problem.fine_channels;
    if (transposed) {
        const Scratch unfolded(numbers);
        const Summed<Number> fine(output, problem.batch * problem.fine_cells() * problem.fine_channels);
        conv(of_one_tap(problem), input, of_one_tap(kernel), unfolded.data());
        fold(problem, unfolded.data(), fine.data(), finish);
        fine.hand_over();
        return true;
    }
    const ScratchOf<Number> unfolded(numbers);
    const Summed<Number> coarse(output, places * channels);
    unfold(problem, input, unfolded.data());
    conv_transpose(of_one_tap(problem), unfolded.data(), of_one_tap(kernel), coarse.data());
    if (!all_finite(coarse.data(), places * channels)) return false;
    finish_cells(coarse.data(), places, channels, channels, finish);
    coarse.hand_over();
    return true;
}

template <typename Number>
bool unfolded_kernel_gradient(const Problem& problem, const Number* fine, const Number* coarse,
                              const KernelOf<Number>& kernel) {
    const int64_t places = places_of(problem);
    if (!all_finite(coarse, places * problem.coarse_channels)) return false;
    const ScratchOf<Number> unfolded(places * problem.taps() * problem.fine_channels);
    unfold(problem, fine, unfolded.data());
    kernel_gradient(of_one_tap(problem), coarse, unfolded.data(), of_one_tap(kernel));
    return true;
}

template bool unfolded(const Problem&, const float*, const KernelView&, float*, bool, const Finish&);
template bool unfolded(const Problem&, const Half*, const HalfView&, Half*, bool, const Finish&);
template bool unfolded_kernel_gradient(const Problem&, const float*, const float*, const KernelView&);
template bool unfolded_kernel_gradient(const Problem&, const Half*, const Half*, const HalfView&);

}  // namespace tconv
