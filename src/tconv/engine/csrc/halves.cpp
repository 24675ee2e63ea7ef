#include "halves.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <type_traits>

#include "gather_plan.h"
#include "half_correlate.h"
#include "half_gather.h"
#include "half_scratch.h"
#include "half_shift.h"
#include "half_taps.h"
#include "kernels.h"
#include "pool.h"
#include "unfolded.h"

namespace tconv {
namespace {

std::atomic<HalfWay> chosen{HalfWay::fastest};

struct Sizes {
    explicit Sizes(const Problem& p)
        : coarse(p.batch * p.coarse_cells() * p.coarse_channels), fine(p.batch * p.fine_cells() * p.fine_channels),
          kernel(p.taps() * p.rows() * p.coarse_channels) {}
    int64_t coarse, fine, kernel;
};

// What float32 arrays take instead, in cycles of one thread: multiply-adds of one vector, and three arrays that become
// wider or narrower. A kernel is often too large for the caches to keep.
double work_of_singles(const Problem& problem, double multiply_adds) {
    constexpr double kNumbers = 3, kOfKernel = 1;  // in a cycle
    const Sizes sizes(problem);
    return multiply_adds / kVectorsInCycle + static_cast<double>(sizes.coarse + sizes.fine) / kNumbers +
           static_cast<double>(sizes.kernel) / kOfKernel;
}

bool by_halves(double halves, double singles) {
    const HalfWay way = half_way();
    return way == HalfWay::halves || (way == HalfWay::fastest && halves <= singles);
}

// How a layer goes; null: as float32 arrays.
std::shared_ptr<const HalfGather> gather_of(const Problem& problem, bool transposed) {
    if (!HalfGather::serves(problem)) return nullptr;
    const std::shared_ptr<const HalfGather> plan = HalfGather::of(problem, transposed);
    const std::shared_ptr<const GatherPlan> wide = GatherPlan::of(problem, transposed);
    const double steps = wide->way ? static_cast<double>(wide->way->facts().executed) / kernels().width : wide->least_work;
    return by_halves(plan->work(), work_of_singles(problem, steps)) ? plan : nullptr;
}

// How a kernel gradient goes: by taps, by shifts, by runs, or as float32 arrays.
struct GradientWay {
    std::optional<HalfTaps> taps;
    std::optional<HalfShift> shift;
    std::optional<HalfCorrelate> runs;      // also where others do not serve

    explicit GradientWay(const Problem& problem) {
        if (!HalfCorrelate::serves(problem)) return;
        runs.emplace(problem);
        double least = runs->work();
        for (const bool few_fine : {true, false}) {
            const HalfTaps one(problem, few_fine);
            if (one.serves() && one.work() < least) taps.emplace(problem, few_fine), least = one.work();
        }
        shift.emplace(problem);
        if (shift->serves() && shift->work() < least) taps.reset(), least = shift->work();
        else shift.reset();
        const double steps = static_cast<double>(plan_facts_of_gradient(problem).executed) / kernels().width;
        if (!by_halves(least, work_of_singles(problem, steps))) taps.reset(), shift.reset(), runs.reset();
    }
    PlanFacts facts(const Problem& problem) const {
        return taps ? taps->facts() : shift ? shift->facts() : runs ? runs->facts() : plan_facts_of_gradient(problem);
    }
};

// The result is rounded, or left as it was summed.
template <typename Out>
void layer(const Problem& problem, const Half* input, const HalfView& kernel, Out* output, bool transposed,
           const Finish& finish) {
    const Sizes sizes(problem);
    const int64_t in = transposed ? sizes.coarse : sizes.fine, out = transposed ? sizes.fine : sizes.coarse;
    if (out == 0) return;
    if constexpr (std::is_same_v<Out, Half>) {
        if (unfolds(problem, kernel) && unfolded(problem, input, kernel, output, transposed, finish)) return;
    }
    // Pairs of columns are read as words.
    const bool in_words = kernel.per_column == 1 && kernel.per_row % 2 == 0 && kernel.per_tap % 2 == 0 &&
                          reinterpret_cast<uintptr_t>(kernel.data) % (2 * sizeof(Half)) == 0;
    const HalfScratch turned(in_words ? 0 : sizes.kernel);
    const HalfView view = in_words ? kernel : natural_view(problem, turned.data());
    if (!in_words) copy_kernel(problem, kernel, view);
    if (const auto plan = gather_of(problem, transposed)) return plan->run(input, view, output, finish);
    constexpr bool kRounds = std::is_same_v<Out, Half>;
    const Scratch x(in), w(sizes.kernel), y(kRounds ? out : 0);
    float* sums = y.data();
    if constexpr (!kRounds) sums = output;
    widen(input, in, x.data());
    const KernelView wide = natural_view(problem, w.data());
    parallel_for(problem.taps() * problem.rows(), [&](int64_t i) {
        kernels().widen(view.at(i / problem.rows(), i % problem.rows(), 0), problem.coarse_channels,
                        wide.at(i / problem.rows(), i % problem.rows(), 0));
    });
    if (transposed) conv_transpose(problem, x.data(), wide, sums, finish);
    else conv(problem, x.data(), wide, sums, finish);
    if constexpr (kRounds) narrow(sums, out, output);
}

constexpr int64_t kRun = 16384;

}  // namespace

void widen(const Half* from, int64_t count, float* to) {
    parallel_for(ceil_div(count, kRun), [&](int64_t i) {
        kernels().widen(from + i * kRun, std::min(kRun, count - i * kRun), to + i * kRun);
    });
}

void narrow(const float* from, int64_t count, Half* to) {
    parallel_for(ceil_div(count, kRun), [&](int64_t i) {
        kernels().narrow(from + i * kRun, std::min(kRun, count - i * kRun), to + i * kRun);
    });
}

HalfWay half_way() { return chosen; }
void set_half_way(HalfWay way) { chosen = way; }

void conv_transpose(const Problem& problem, const Half* coarse, const HalfView& kernel, Half* fine,
                    const Finish& finish) {
    layer(problem, coarse, kernel, fine, true, finish);
}

void conv(const Problem& problem, const Half* fine, const HalfView& kernel, Half* coarse, const Finish& finish) {
    layer(problem, fine, kernel, coarse, false, finish);
}

void conv_transpose(const Problem& problem, const Half* coarse, const HalfView& kernel, float* fine) {
    layer(problem, coarse, kernel, fine, true, {});
}

void conv(const Problem& problem, const Half* fine, const HalfView& kernel, float* coarse) {
    layer(problem, fine, kernel, coarse, false, {});
}

void kernel_gradient(const Problem& problem, const Half* fine, const Half* coarse, const HalfView& kernel) {
    const Sizes sizes(problem);
    if (sizes.kernel == 0) return;
    if (unfolds(problem, kernel) && unfolded_kernel_gradient(problem, fine, coarse, kernel)) return;
    if (kernel.per_column != 1) {
        const HalfScratch turned(sizes.kernel);
        const HalfView natural = natural_view(problem, turned.data());
        kernel_gradient(problem, fine, coarse, natural);
        return copy_kernel(problem, natural, kernel);
    }
    const GradientWay way(problem);
    if (way.taps && way.taps->run(fine, coarse, kernel)) return;
    if (way.shift && way.shift->run(fine, coarse, kernel)) return;
    if (way.runs) return way.runs->run(fine, coarse, kernel);
    const Scratch y(sizes.fine), x(sizes.coarse), w(sizes.kernel);
    widen(fine, sizes.fine, y.data());
    widen(coarse, sizes.coarse, x.data());
    kernel_gradient(problem, y.data(), x.data(), natural_view(problem, w.data()));
    narrow(w.data(), sizes.kernel, kernel.data);
}

PlanFacts plan_facts_of_halves(const Problem& problem, bool transposed) {
    const std::shared_ptr<const HalfGather> plan = gather_of(problem, transposed);
    return plan ? plan->facts() : plan_facts(problem, transposed);
}

PlanFacts plan_facts_of_half_gradient(const Problem& problem) {
    return GradientWay(problem).facts(problem);
}

}  // namespace tconv
