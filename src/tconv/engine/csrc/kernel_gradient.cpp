// Which way a gradient of the kernel goes.
#include "correlate.h"
#include "rows.h"
#include "scratch.h"
#include "unfolded.h"
#include "winograd.h"

namespace tconv {

void kernel_gradient(const Problem& problem, const float* fine, const float* coarse, const KernelView& kernel) {
    const int64_t places = problem.batch * problem.coarse_cells() * problem.fine_cells();
    if (problem.coarse_channels * problem.fine_channels == 0) return;
    if (places == 0) {
        for (int64_t tap = 0; tap < problem.taps(); ++tap)
            for (int64_t d = 0; d < problem.fine_channels / problem.groups; ++d)
                for (int64_t c = 0; c < problem.coarse_channels; ++c) *kernel.at(tap, d, c) = 0.0f;
        return;
    }
    if (unfolds(problem, kernel) && unfolded_kernel_gradient(problem, fine, coarse, kernel)) return;
    Correlate direct(problem);
    const std::shared_ptr<const TiledCorrelate> tiled = TiledCorrelate::of(problem, direct.work());
    const std::shared_ptr<const RowsCorrelate> rows = tiled ? nullptr : RowsCorrelate::of(problem, direct.work());
    const auto run = [&](const KernelView& lies) {
        if (tiled) tiled->run(fine, coarse, lies);
        else if (rows) rows->run(fine, coarse, lies);
        else direct.run(fine, coarse, lies);
    };
    if (kernel.per_column == 1) return run(kernel);
    const Scratch turned(problem.taps() * problem.rows() * problem.coarse_channels);
    const KernelView natural = natural_view(problem, turned.data());
    run(natural);
    copy_kernel(problem, natural, kernel);
}

PlanFacts plan_facts_of_gradient(const Problem& problem) {
    const Correlate direct(problem);
    const std::shared_ptr<const TiledCorrelate> tiled = TiledCorrelate::of(problem, direct.work());
    if (tiled) return tiled->facts();
    const std::shared_ptr<const RowsCorrelate> rows = RowsCorrelate::of(problem, direct.work());
    return rows ? rows->facts() : direct.facts();
}

}  // namespace tconv
