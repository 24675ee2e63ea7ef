// kernel_gradient, row by row of the kernel: each row, of one tap and one fine channel, is a sum of the few coarse cells
// that the tap joins, each times a number of its fine cell.
#include <algorithm>
#include <array>
#include <cstring>

#include "caches.h"
#include "pool.h"
#include "rows.h"
#include "scratch.h"
#include "streaming.h"

namespace tconv {
namespace {

constexpr int64_t kFloats = kLine / 4;

}  // namespace

RowsCorrelate::RowsCorrelate(const Problem& problem)
    : problem_(problem), taps_(meetings_of(problem)), lanes_(problem.coarse_channels) {
    run_ = ceil_div(ceil_div(lanes_, ceil_div(lanes_, run_of(taps_))), kFloats) * kFloats;
    streams_ = lanes_ % kFloats == 0 && problem.taps() * problem.rows() * lanes_ * 4 >= streams_from();
}

std::shared_ptr<const RowsCorrelate> RowsCorrelate::of(const Problem& problem, double direct) {
    if (!few_places(problem, problem.coarse_channels)) return {};
    const std::shared_ptr<const RowsCorrelate> rows(new RowsCorrelate(problem));
    return rows_work(rows->taps_, problem.fine_channels, rows->lanes_) < direct ? rows : nullptr;
}

void RowsCorrelate::run(const float* fine, const float* coarse, const KernelView& kernel) const {
    const bool whole_lines = kernel.per_tap % kFloats == 0 && kernel.per_row % kFloats == 0;
    const bool streams = streams_ && whole_lines && reinterpret_cast<uintptr_t>(kernel.data) % kLine == 0;
    const int64_t parts = std::min<int64_t>(problem_.fine_channels, 2 * threads());
    const int64_t each = ceil_div(problem_.fine_channels, parts);
    parallel_for(static_cast<int64_t>(taps_.size()) * parts, [&](int64_t i) {
        const int64_t first = i % parts * each, count = std::min(each, problem_.fine_channels - first);
        if (count > 0) rows_of(taps_[i / parts], first, count, fine, coarse, kernel, streams);
        if (streams) settle();
    });
}

void RowsCorrelate::rows_of(const Meetings& tap, int64_t first, int64_t count, const float* fine, const float* coarse,
                            const KernelView& kernel, bool streams) const {
    const Kernels& table = kernels();
    const int64_t places = tap.count(), apart = run_ + kFloats;
    if (places == 0) {
        for (int64_t d = first; d < first + count; ++d) std::memset(kernel.at(tap.tap, d, 0), 0, lanes_ * sizeof(float));
        return;
    }
    // Cells a power of two apart would drive each other out of the first cache.
    const Scratch cells(places * apart), sums(2 * apart);
    for (int64_t lane = 0; lane < lanes_; lane += run_) {
        const int64_t run = std::min(run_, lanes_ - lane);
        for (int64_t m = 0; m < places; ++m)
            std::memcpy(cells.data() + m * apart, coarse + tap.coarse[m] * lanes_ + lane, run * sizeof(float));
        for (int64_t d = first; d < first + count; d += 2) {
            const int64_t results = std::min<int64_t>(2, first + count - d), most = table.row_depth[results - 1];
            const std::array<float*, 2> aside{sums.data(), sums.data() + apart};
            const std::array<float*, 2> whole{kernel.at(tap.tap, d, lane), kernel.at(tap.tap, d + results - 1, lane)};
            for (int64_t m = 0; m < places; m += most) {
                const int64_t some = std::min(most, places - m);
                const bool last = m + some == places;
                std::array<float, 16> factors;
                std::array<const float*, 8> runs;
                for (int64_t k = 0; k < some; ++k) {
                    runs[k] = cells.data() + (m + k) * apart;
                    for (int64_t i = 0; i < results; ++i)
                        factors[i * some + k] = fine[tap.fine[m + k] * problem_.fine_channels + d + i];
                }
                table.row_sums({factors.data(), runs.data(), m ? aside.data() : nullptr,
                                last ? whole.data() : aside.data(), results, some, run, last && streams});
            }
        }
    }
}

PlanFacts RowsCorrelate::facts() const {
    PlanFacts facts = rows_facts(taps_, problem_.fine_channels, lanes_);
    facts.streams = streams_;
    facts.blocks = facts.products * std::min<int64_t>(problem_.fine_channels, 2 * threads());
    return facts;
}

}  // namespace tconv
