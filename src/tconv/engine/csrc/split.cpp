#include "split.h"

#include <array>
#include <atomic>

#include "half_scratch.h"
#include "kernels.h"
#include "pool.h"

namespace tconv {
namespace {

std::atomic<Use> use{asked_by("TCONV_SPLIT")};

}  // namespace

Use split() { return use; }
void set_split(Use wanted) { use = wanted; }

SplitGather::SplitGather(const Problem& problem, bool transposed, int64_t threads)
    : problem_(problem), gather_(problem, transposed, threads, kParts) {}

std::shared_ptr<const Way> SplitGather::of(const Problem& problem, bool transposed, double direct, int64_t threads,
                                           bool frozen) {
    const Use chosen = split();
    if (chosen == Use::never || !HalfGather::serves(problem)) return nullptr;
    std::shared_ptr<const SplitGather> way(new SplitGather(problem, transposed, threads));
    const bool wins = way->gather_.work(frozen) < direct / kVectorsInCycle;
    return chosen == Use::wherever_possible || wins ? way : nullptr;
}

void SplitGather::pack(const KernelView& kernel, float* packed) const {
    const int64_t rows = problem_.rows(), numbers = problem_.taps() * rows * problem_.coarse_channels;
    const HalfScratch thirds(kParts * numbers);
    std::array<HalfView, kParts> views;
    for (int64_t part = 0; part < kParts; ++part) views[part] = natural_view(problem_, thirds.data() + part * numbers);
    parallel_for(problem_.taps() * rows, [&](int64_t i) {
        kernels().split_runs(kernel.at(i / rows, i % rows, 0), 0, 1, problem_.coarse_channels,
                             views[0].at(i / rows, i % rows, 0), 0, numbers);
    });
    gather_.pack(views, reinterpret_cast<Half*>(packed));
}

void SplitGather::run(const float* input, const KernelView&, const float* packed, float* output,
                      const Finish& finish) const {
    gather_.run(input, reinterpret_cast<const Half*>(packed), output, finish);
}

PlanFacts SplitGather::facts() const {
    PlanFacts facts = gather_.facts();
    facts.form = "split";
    return facts;
}

}  // namespace tconv
