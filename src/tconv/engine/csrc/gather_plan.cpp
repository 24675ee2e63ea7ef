#include "gather_plan.h"

#include <algorithm>
#include <list>
#include <mutex>

#include "pool.h"

namespace tconv {

GatherPlan::GatherPlan(const Problem& problem_, bool transposed_, int64_t threads)
    : problem(problem_), transposed(transposed_) {
    in_channels = transposed ? problem.coarse_channels : problem.fine_channels;
    out_channels = transposed ? problem.fine_channels : problem.coarse_channels;
    depth = in_channels / problem.groups;
    lanes = out_channels / problem.groups;
    const Axis& last = problem.axes[2];
    in_blocks = transposed && problem.groups == 1 && last.stride > 1 && lanes < kernels().width &&
                 lanes * last.stride <= 2 * kernels().width;
    for (int i = 0; i < 3; ++i)
        lattices[i] = !transposed             ? gathering(problem.axes[i])
                       : in_blocks && i == 2 ? scattering_in_blocks(problem.axes[i])
                                              : scattering(problem.axes[i]);
    lanes *= lattices[2].phases;
    for (int i = 0; i < 3; ++i) input.sizes[i] = lattices[i].input;
    input.channels = in_channels;
    choose_form();
    list_passes();
    choose_blocks(threads);
}

// Lanes are outputs unless they are few, or unless the kernel can be read as it lies and is used too little to be
// packed.
void GatherPlan::choose_form() {
    const Kernels& table = kernels();
    const int64_t points = problem.batch * problem.coarse_cells();
    const bool rarely_used = points <= 64;
    if (problem.depthwise()) {
        form = Form::depthwise, tile = table.depthwise, rows = table.depthwise_rows, width = 1;
        return;
    }
    const bool dot_as_it_lies = transposed && !in_blocks;
    const bool few_lanes = lanes * 2 <= table.width && depth >= table.width;
    if (few_lanes || (dot_as_it_lies && rarely_used && depth >= 2 * table.width)) {
        const int64_t shape = std::min<int64_t>(lanes, 3) - 1;
        form = Form::dot, tile = table.dot[shape], rows = table.dot_shape[shape].rows, width = shape + 1;
        natural = dot_as_it_lies && rarely_used;
        return;
    }
    int best = 0;
    double least = 0;
    constexpr double kPenalty[3] = {1.25, 1.0, 1.0};
    for (int v = 0; v < 3; ++v) {
        const int64_t width = table.outer_shape[v].lanes;
        const double cost = static_cast<double>((lanes + width - 1) / width * width) * kPenalty[v];
        if (v == 0 || cost < least) best = v, least = cost;
    }
    tile = table.outer[best], rows = table.outer_shape[best].rows, width = table.outer_shape[best].lanes;
}

// How many taps of a segment lie side by side: all of them, or each stands alone.
int64_t GatherPlan::run_length(const Segment& segment) const {
    const auto& taps = segment.taps;
    if (natural || problem.groups > 1 || taps.empty()) return 1;
    for (size_t t = 1; t < taps.size(); ++t)
        if (taps[t].shift != taps[t - 1].shift + 1) return 1;
    return static_cast<int64_t>(taps.size());
}

void GatherPlan::list_passes() {
    for (const Segment& s0 : lattices[0].segments)
        for (const Segment& s1 : lattices[1].segments)
            for (const Segment& s2 : lattices[2].segments) {
                Pass pass{{&s0, &s1, &s2}, {}, run_length(s2), packed_floats};
                for (const Tap& t0 : s0.taps)
                    for (const Tap& t1 : s1.taps)
                        for (size_t t2 = 0; t2 < s2.taps.size(); t2 += pass.length) {
                            const int64_t plane = t0.index[0] * problem.axes[1].kernel + t1.index[0];
                            pass.runs.push_back({{t0.shift, t1.shift, s2.taps[t2].shift},
                                                 plane * problem.axes[2].kernel, &s2.taps[t2]});
                        }
                const int64_t padded = form == Form::depthwise ? problem.groups : panels() * width;
                if (!natural) packed_floats += static_cast<int64_t>(pass.runs.size()) * pass.length * depth * padded;
                passes.push_back(std::move(pass));
            }
}

// Bands of points and runs of images, so that a block's window stays in the cache and every thread has several blocks.
void GatherPlan::choose_blocks(int64_t workers) {
    std::array<int64_t, 3> reach;  // input cells that one point sees, and those between
    copies = false;
    for (int i = 0; i < 3; ++i) {
        const Lattice& lattice = lattices[i];
        copies = copies || !lattice.inside();
        begin[i] = lattice.begin(), end[i] = lattice.end();
        reach[i] = lattice.greatest_shift() - lattice.least_shift() + 1;
        window.sizes[i] = (end[i] - begin[i] - 1) * lattice.step + reach[i];
    }
    window.channels = in_channels;
    band_axis = 0;
    while (band_axis < 2 && end[band_axis] - begin[band_axis] == 1) ++band_axis;
    const int64_t points = end[band_axis] - begin[band_axis];
    const int64_t weight_bytes = problem.taps() * depth * out_channels * 4;
    const int64_t budget = std::clamp<int64_t>(weight_bytes / 4, int64_t{192} << 10, int64_t{4} << 20) / 4;
    const int64_t per_point = std::max<int64_t>(1, window.image() / std::max<int64_t>(1, points));
    band = std::clamp<int64_t>(budget / per_point, std::min<int64_t>(points, 2 * reach[band_axis]), points);
    images = 1;
    if (band >= points) {
        images = std::clamp<int64_t>(budget / std::max<int64_t>(1, window.image()), 1, problem.batch);
        images = std::min(images, std::max<int64_t>(1, ceil_div(problem.batch, 4 * workers)));
    }
    if (workers > 1 && problem.batch * ceil_div(points, band) < workers && form != Form::depthwise) {
        panel_groups = std::min<int64_t>(problem.groups * panels_per_group(), 4 * workers);
    } else if (workers > 1 && problem.batch * ceil_div(points, band) < 2 * workers) {
        band = std::max<int64_t>(1, std::min(band, ceil_div(points, 2 * workers)));
    }
    window.sizes[band_axis] = (band - 1) * lattices[band_axis].step + reach[band_axis];
}

int64_t GatherPlan::executed_multiply_adds() const {
    int64_t total = 0;
    for (const Pass& pass : passes) {
        int64_t places = problem.batch;
        for (const Segment* segment : pass.segments) places *= segment->count;
        const int64_t taps = static_cast<int64_t>(pass.runs.size()) * pass.length;
        const int64_t padded = form == Form::depthwise ? problem.groups : panels() * width;
        total += places * taps * depth * padded;
    }
    return total;
}

namespace {

// Making a plan takes microseconds, so that lengths which never come again cost little; those that do, nothing.
struct Kept {
    std::vector<int64_t> key;
    std::shared_ptr<const GatherPlan> plan;
};

std::vector<int64_t> key_of(const Problem& problem, bool transposed, int64_t threads) {
    std::vector<int64_t> key{transposed, threads, problem.batch, problem.coarse_channels, problem.fine_channels,
                             problem.groups};
    for (const Axis& a : problem.axes) key.insert(key.end(), {a.kernel, a.stride, a.dilation, a.lo, a.coarse, a.fine});
    return key;
}

}  // namespace

std::shared_ptr<const GatherPlan> GatherPlan::of(const Problem& problem, bool transposed) {
    constexpr size_t kKept = 64;
    static std::mutex mutex;
    static std::list<Kept>* const kept = new std::list<Kept>;  // the latest first; outlives every thread
    const int64_t workers = tconv::threads();
    std::vector<int64_t> key = key_of(problem, transposed, workers);
    {
        std::lock_guard<std::mutex> lock(mutex);
        for (auto it = kept->begin(); it != kept->end(); ++it)
            if (it->key == key) {
                kept->splice(kept->begin(), *kept, it);
                return it->plan;
            }
    }
    auto plan = std::make_shared<const GatherPlan>(problem, transposed, workers);
    std::lock_guard<std::mutex> lock(mutex);
    kept->push_front({std::move(key), plan});
    if (kept->size() > kKept) kept->pop_back();
    return plan;
}

}  // namespace tconv
