#include "kernel_view.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "caches.h"
#include "half_scratch.h"
#include "pool.h"
#include "streaming.h"
#include "turned.h"

namespace tconv {
namespace {

// Bytes of a block that is turned at a time: what is written side by side, and what is read.
constexpr int64_t kWritten = 4 * kLine, kRead = 16 * kLine;

// Numbers of a column that lie side by side in an array whose columns do not: `count` of them, from (tap, row) on, taps or
// rows first.
struct Run {
    int64_t tap, row, count;
    bool by_taps;

    template <typename Number>
    Number* at(const KernelOf<Number>& view, int64_t i, int64_t taps, int64_t column) const {
        if (!by_taps) return view.at(tap, row + i, column);
        return view.at((tap + i) % taps, row + (tap + i) / taps, column);
    }
};

template <typename Number>
std::vector<Run> runs_of(const Problem& problem, const KernelOf<Number>& view, int64_t most) {
    const int64_t taps = problem.taps(), rows = problem.rows();
    const bool by_taps = view.per_tap == 1 && taps > 1, one = by_taps && view.per_row == taps;
    const int64_t lines = one ? 1 : by_taps ? rows : taps, length = one ? taps * rows : by_taps ? taps : rows;
    std::vector<Run> runs;
    for (int64_t line = 0; line < lines; ++line)
        for (int64_t i = 0; i < length; i += most) {
            const int64_t count = std::min(most, length - i);
            if (one) runs.push_back({i % taps, i / taps, count, true});
            else if (by_taps) runs.push_back({i, line, count, true});
            else runs.push_back({line, i, count, false});
        }
    return runs;
}

// Whether the numbers of a run lie side by side.
template <typename Number>
bool dense(const KernelOf<Number>& view, const Run& run) {
    return run.count == 1 || (run.by_taps ? view.per_tap : view.per_row) == 1;
}

}  // namespace

// Columns of one array are rows of the other, which are turned a block at a time. Where rows follow one another they are a
// large power of two apart; to fetch them into the caches, only to be overwritten, would take longer than all else.
template <typename Number>
void copy_kernel(const Problem& problem, const KernelOf<Number>& from, const KernelOf<Number>& to) {
    constexpr int64_t kSize = sizeof(Number), kBlock = kWritten / kSize;
    const bool gathers = to.per_column == 1;  // else it is `from` whose columns lie side by side
    const int64_t most = gathers ? kRead / kSize : kBlock;
    const KernelOf<Number>& apart = gathers ? from : to;
    const int64_t columns = problem.coarse_channels, taps = problem.taps();
    const std::vector<Run> runs = runs_of(problem, apart, most);
    const int64_t count = static_cast<int64_t>(runs.size());
    const bool past = taps * problem.rows() * columns * kSize >= 4 * near_bytes();
    parallel_for(ceil_div(columns, kBlock) * count, [&](int64_t i) {
        const int64_t column = i / count * kBlock, some = std::min(kBlock, columns - column);
        const Run& run = runs[i % count];
        const auto line = [&](const KernelOf<Number>& view, int64_t k) { return run.at(view, k, taps, column); };
        if (!dense(apart, run)) {
            for (int64_t k = 0; k < run.count; ++k)
                for (int64_t c = 0; c < some; ++c) line(to, k)[c * to.per_column] = line(from, k)[c * from.per_column];
            return;
        }
        const ScratchOf<Number> block(kBlock * most);
        if (gathers) {
            turned(line(from, 0), from.per_column, some, run.count, block.data(), kBlock);
            for (int64_t k = 0; k < run.count; ++k) put(block.data() + k * kBlock, some * kSize, line(to, k), past);
        } else {
            const ScratchOf<Number> lines(kBlock * kBlock);
            for (int64_t k = 0; k < run.count; ++k) std::memcpy(lines.data() + k * kBlock, line(from, k), some * kSize);
            turned(lines.data(), kBlock, run.count, some, block.data(), kBlock);
            for (int64_t c = 0; c < some; ++c)
                put(block.data() + c * kBlock, run.count * kSize, line(to, 0) + c * to.per_column, past);
        }
        if (past) settle();
    });
}

template void copy_kernel(const Problem&, const KernelView&, const KernelView&);
template void copy_kernel(const Problem&, const HalfView&, const HalfView&);

}  // namespace tconv
