// conv and conv_transpose, row by row of the kernel: each row, of one tap and one input channel, goes into the sums of all
// outputs that the tap reaches.
#include <algorithm>
#include <array>
#include <cstring>

#include "pool.h"
#include "rows.h"
#include "scratch.h"
#include "streaming.h"

namespace tconv {
namespace {

constexpr int64_t kFloats = kLine / 4;

// The sums of all outputs for a run of lanes: of the latest products, and of the parts before them.
class PartedSums {
  public:
    PartedSums(int64_t cells, int64_t run, int64_t part)
        : cells_(cells), run_(run), pitch_(ceil_div(run, kFloats) * kFloats + kFloats), part_(part), room_(part),
          floats_(2 * cells * pitch_) {
        std::memset(floats_.data(), 0, 2 * cells * pitch_ * sizeof(float));
    }
    float* now(int64_t cell) const { return floats_.data() + cell * pitch_; }
    float* before(int64_t cell) const { return now(cells_ + cell); }

    // So many products are to come.
    void expect(int64_t products) {
        if (room_ < products) part();
        room_ -= products;
    }
    void part() {
        const float one = 1;
        for (int64_t cell = 0; cell < cells_; ++cell) {
            const float *latest = now(cell), *sums = before(cell);
            float* to = before(cell);
            kernels().row_sums({&one, &latest, &sums, &to, 1, 1, run_, false});
        }
        std::memset(floats_.data(), 0, cells_ * pitch_ * sizeof(float));
        room_ = part_;
    }

  private:
    const int64_t cells_, run_, pitch_, part_;  // a pitch that is no power of two
    int64_t room_;
    const Scratch floats_;
};

}  // namespace

RowsGather::RowsGather(const Problem& problem, bool transposed, int64_t threads)
    : problem_(problem), transposed_(transposed), taps_(meetings_of(problem)) {
    depth_ = transposed ? problem.coarse_channels : problem.fine_channels;
    lanes_ = transposed ? problem.fine_channels : problem.coarse_channels;
    cells_ = problem.batch * (transposed ? problem.fine_cells() : problem.coarse_cells());
    int64_t runs = ceil_div(lanes_, run_of(taps_));
    if (threads > 1) runs = std::min(ceil_div(runs, threads) * threads, ceil_div(lanes_, kFloats));
    run_ = ceil_div(ceil_div(lanes_, runs), kFloats) * kFloats;
}

std::shared_ptr<const Way> RowsGather::of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                          bool frozen) {
    if (transposed && !frozen) return {};
    if (!few_places(problem, transposed ? problem.fine_channels : problem.coarse_channels)) return {};
    const std::shared_ptr<const RowsGather> rows(new RowsGather(problem, transposed, threads));
    return rows_work(rows->taps_, rows->depth_, rows->lanes_) < direct ? rows : nullptr;
}

// A transposed convolution's rows are those of the other channels.
void RowsGather::pack(const KernelView& kernel, float* packed) const {
    if (!transposed_) return;
    parallel_for(problem_.taps(), [&](int64_t tap) {
        kernels().turn(kernel.at(tap, 0, 0), kernel.per_row, lanes_, depth_, packed + tap * depth_ * lanes_, lanes_);
    });
}

void RowsGather::run(const float* input, const KernelView& kernel, const float* packed, float* output,
                     const Finish& finish) const {
    const KernelView rows = transposed_ ? KernelView{const_cast<float*>(packed), depth_ * lanes_, lanes_, 1} : kernel;
    parallel_for(ceil_div(lanes_, run_), [&](int64_t i) {
        compute(i * run_, std::min(run_, lanes_ - i * run_), input, rows, output, finish);
    });
}

void RowsGather::compute(int64_t first, int64_t count, const float* input, const KernelView& rows, float* output,
                         const Finish& finish) const {
    const Kernels& table = kernels();
    PartedSums sums(cells_, count, part_of_sum(static_cast<int64_t>(taps_.size()) * depth_));
    const int64_t apart = ceil_div(count, kFloats) * kFloats + kFloats;
    const Scratch near(8 * apart);
    for (const Meetings& tap : taps_) {
        const std::vector<int64_t>& from = transposed_ ? tap.coarse : tap.fine;
        const std::vector<int64_t>& into = transposed_ ? tap.fine : tap.coarse;
        const int64_t deepest = table.row_depth[tap.count() > 1];
        for (int64_t c = 0; c < depth_ && tap.count(); c += deepest) {
            const int64_t deep = std::min(deepest, depth_ - c);
            sums.expect(deep);
            std::array<const float*, 8> runs;
            for (int64_t k = 0; k < deep; ++k) {
                runs[k] = rows.at(tap.tap, c + k, first);
                if (tap.count() <= 2) continue;
                // Rows a power of two apart would drive each other out of the first cache.
                std::memcpy(near.data() + k * apart, runs[k], count * sizeof(float));
                runs[k] = near.data() + k * apart;
            }
            for (int64_t m = 0; m < tap.count(); m += 2) {
                const int64_t results = std::min<int64_t>(2, tap.count() - m), most = table.row_depth[results - 1];
                std::array<float*, 2> to;
                for (int64_t i = 0; i < results; ++i) to[i] = sums.now(into[m + i]);
                for (int64_t k = 0; k < deep; k += most) {
                    const int64_t some = std::min(most, deep - k);
                    std::array<float, 16> factors;
                    for (int64_t i = 0; i < results; ++i)
                        std::memcpy(&factors[i * some], input + from[m + i] * depth_ + c + k, some * sizeof(float));
                    table.row_sums({factors.data(), &runs[k], to.data(), to.data(), results, some, count, false});
                }
            }
        }
    }
    sums.part();
    Finish here = finish;
    if (finish.bias) here.bias += first;
    for (int64_t cell = 0; cell < cells_; ++cell)
        table.finish(sums.before(cell), here, output + cell * lanes_ + first, count);
}

PlanFacts RowsGather::facts() const {
    PlanFacts facts = rows_facts(taps_, depth_, lanes_);
    facts.packed_floats = packed_floats();
    facts.blocks = ceil_div(lanes_, run_);
    return facts;
}

}  // namespace tconv
