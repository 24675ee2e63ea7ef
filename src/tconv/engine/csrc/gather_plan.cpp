#include "gather_plan.h"

#include <algorithm>

#include "caches.h"
#include "kept_plans.h"
#include "pool.h"
#include "rows.h"
#include "split.h"
#include "stamps.h"
#include "streaming.h"
#include "winograd.h"

namespace tconv {

GatherPlan::GatherPlan(const Problem& problem_, bool transposed_, int64_t threads, bool frozen, bool strict)
    : problem(problem_), transposed(transposed_), kept_kernel(frozen) {
    in_channels = transposed ? problem.coarse_channels : problem.fine_channels;
    out_channels = transposed ? problem.fine_channels : problem.coarse_channels;
    depth = in_channels / problem.groups;
    input.channels = in_channels;
    choose_arrangement(frozen, strict);
    list_weights();
    list_passes();
    choose_blocks(threads);
    // A large kernel leaves the caches before it is needed, so it is laid out part by part, where hardly one of its numbers
    // is needed twice. Panels that lie beside each other in it are read together.
    constexpr int64_t kTogether = 8;
    together = transposed ? 1 : std::min(kTogether, panels_per_group());
    lays_parts = !frozen && !natural && form == Form::outer && problem.groups == 1 && large_kernel() && uses() <= 1.5;
    fetches = fetches_meanwhile() && !lays_parts;
    share_out(threads);
    for (Pass& pass : passes) pass.shifts = shifts_of(pass), pass.parts = parts_of(pass);
    const int64_t cells = transposed ? problem.fine_cells() : problem.coarse_cells();
    streams = writes_lines() && problem.batch * cells * out_channels * 4 >= streams_from();
    const double pack = frozen ? 0 : packing(packed_floats);
    const bool forced = split() == Use::wherever_possible || winograd() == Use::wherever_possible;
    if (!forced) way = RowsGather::of(problem, transposed, least_work + pack, threads, frozen);
    if (!way) way = SplitGather::of(problem, transposed, least_work + pack, threads, frozen);
    if (!way) way = TiledGather::of(problem, transposed, least_work, threads, frozen);
    if (!way && forced) way = RowsGather::of(problem, transposed, least_work + pack, threads, frozen);
    if (!way) way = StampsGather::of(problem, transposed, least_work + pack, threads, frozen);
    gaps = gaps && !way;
}

// Points and phases along the last axis stand for themselves; or some lie beside each other in the lanes, where these would
// be idle otherwise: then they share what they read, but each has the taps of them all.
void GatherPlan::choose_arrangement(bool frozen, bool strict) {
    constexpr int64_t kMostVectors = 4;
    const int64_t phases = transposed ? problem.axes[2].stride : 1;
    arrange(0, frozen);
    if (problem.groups > 1 || out_channels % kernels().width == 0) return;
    int64_t best = 0;
    double least = least_work;
    for (int64_t points = phases > 1 ? 1 : 2; points <= 4; points *= 2) {
        if (points > 1 && points * phases * out_channels > kMostVectors * kernels().width) break;
        arrange(points, frozen);
        if (gaps && strict) continue;
        if (least_work < least) best = points, least = least_work;
    }
    arrange(best, frozen);
}

void GatherPlan::arrange(int64_t points, bool frozen) {
    in_blocks = points > 0;
    for (int i = 0; i < 3; ++i) {
        const Axis& axis = problem.axes[i];
        if (in_blocks && i == 2)
            lattices[i] = transposed ? scattering_in_blocks(axis, points) : gathering_in_blocks(axis, points);
        else
            lattices[i] = transposed ? scattering(axis) : gathering(axis);
        input.sizes[i] = lattices[i].input;
    }
    lanes = out_channels / problem.groups * lattices[2].phases;
    natural = false;
    choose_form(frozen);
    cut_at_edges();
    gaps = false;
    for (const auto& base : lattices[2].bases)
        for (const Tap& tap : base) gaps = gaps || *std::min_element(tap.index.begin(), tap.index.end()) < 0;
    constexpr double kLook = 2;  // at a vector of the input, whether it is finite
    if (gaps) least_work += kLook * static_cast<double>(problem.batch * input.image()) / kernels().width;
}

std::vector<int64_t> GatherPlan::shifts_of(const Pass& pass) const {
    const Grid& grid = copies ? window : input;
    std::vector<int64_t> shifts;
    for (const Pass::Run& run : pass.runs)
        shifts.push_back(run.shift[0] * grid.plane() + run.shift[1] * grid.row() + run.shift[2] * grid.pixel());
    return shifts;
}

std::vector<Part> GatherPlan::parts_of(const Pass& pass) const {
    const int64_t taps = static_cast<int64_t>(pass.runs.size());
    const int64_t channels = form == Form::depthwise ? problem.groups : pass.length * depth;
    const int64_t most = std::max<int64_t>(1, near_bytes() / 4 / width / (lays_parts ? together : 1));
    if (form != Form::outer || taps * channels <= most) return {{0, taps, 0, channels}};
    const int64_t some = std::max<int64_t>(1, most / channels), few = ceil_div(channels, ceil_div(channels, most));
    std::vector<Part> parts;
    for (int64_t tap = 0; tap < taps; tap += some)
        for (int64_t channel = 0; channel < channels; channel += few)
            parts.push_back({tap, std::min(some, taps - tap), channel, std::min(few, channels - channel)});
    return parts;
}

// Whether fetching it is worth a thought: it does not stay in the second cache. (The same for any number of threads.)
bool GatherPlan::large_kernel() const { return form != Form::depthwise && kernel_floats() * 4 > 4 * near_bytes(); }

// Whether parts of a kernel that is laid out can come from beyond the caches while others are used.
bool GatherPlan::fetches_meanwhile() const {
    return form == Form::outer && large_kernel() && width >= kFetching * kernels().width;
}

// How often each of the kernel's numbers is fetched: by passes, blocks, and runs of places.
double GatherPlan::uses() const {
    int64_t taps = 0, fetched = 0;
    for (const Weights& one : weights) taps += static_cast<int64_t>(one.runs.size()) * one.length;
    const int64_t each = std::max<int64_t>(1, blocks());
    for (const Pass& pass : passes)
        fetched += pass.taps() * each * ceil_div(problem.batch * pass.points(), each * kept());
    return static_cast<double>(fetched) / static_cast<double>(std::max<int64_t>(1, taps));
}

// The most points of one matrix product on one image.
int64_t GatherPlan::largest_segment() const {
    int64_t points = 1;
    for (const Lattice& lattice : lattices) {
        int64_t most = 0;
        for (const Segment& segment : lattice.segments) most = std::max(most, segment.count);
        points *= most;
    }
    return points;
}

// Whether a whole panel of a pixel is so many lines of memory, if the array begins with one.
bool GatherPlan::writes_lines() const {
    constexpr int64_t kFloats = kLine / 4;
    return form == Form::outer && !in_blocks && width % kFloats == 0 && lanes % kFloats == 0;
}

// What it costs to add up the numbers of a vector, in multiply-adds of one.
constexpr double kAcross = 20;

// Lanes are outputs unless they are few, or unless the kernel can be read as it lies and is used too little to be
// packed.
void GatherPlan::choose_form(bool frozen) {
    const Kernels& table = kernels();
    const int64_t points = problem.batch * problem.coarse_cells();
    // A kernel that is laid out but once is, unless so few places use it that reading it is all there is to do, or its
    // panels are so long that they would come anew for each tile.
    int64_t deep = depth;
    for (const Axis& axis : problem.axes) deep *= ceil_div(axis.kernel, axis.stride);
    const bool better_read = points <= 4 && depth >= 32 * table.width;
    const bool rarely_used = points <= 32 && (!frozen || better_read);
    if (problem.depthwise()) {
        form = Form::depthwise, tile = table.depthwise, rows = table.depthwise_rows, width = 1;
        return;
    }
    const bool dot_as_it_lies = transposed && !in_blocks;
    const double across = (static_cast<double>(ceil_div(deep, table.width)) + kAcross) * static_cast<double>(lanes);
    const double along = static_cast<double>(deep) * outer_step(0) / table.outer_shape[0].rows;
    const bool few_lanes = lanes * 2 <= table.width && depth >= table.width && across < along;
    if (few_lanes || (dot_as_it_lies && rarely_used && depth >= 2 * table.width)) {
        const bool single = problem.batch == 1 && largest_segment() == 1 && lanes >= table.dot_shape[3].lanes;
        const int64_t shape = single ? 3 : std::min<int64_t>(lanes, 3) - 1;
        form = Form::dot, tile = table.dot[shape], rows = table.dot_shape[shape].rows, width = table.dot_shape[shape].lanes;
        natural = dot_as_it_lies && rarely_used;
        return;
    }
    const int best = best_outer(lanes, problem.batch * largest_segment());
    form = Form::outer, step = outer_step(best);
    tile = table.outer[best], rows = table.outer_shape[best].rows, width = table.outer_shape[best].lanes;
}

// What a choice of segments costs, in multiply-adds of one vector.
double GatherPlan::work(const std::array<const Lattice*, 3>& tried) const {
    constexpr double kTile = 40, kPass = 2000;  // beginning and ending a tile, a pass
    constexpr double kNear = 4, kFar = 12;      // a vector of weights, from the second cache or beyond
    constexpr double kCopy = 4;                 // a vector of the input, into its window
    constexpr double kDot = 1.3;                // a vector of products by dot products: each takes loads of its own
    const double vectors = form == Form::depthwise ? ceil_div(problem.groups, kernels().width)
                           : form == Form::dot     ? static_cast<double>(panels() * width) / kernels().width
                                                   : static_cast<double>(panels() * width / kernels().width);
    const double each = form == Form::dot ? kDot * rows : rows;
    const double products = form == Form::outer ? step * static_cast<double>(panels()) : vectors * each;
    const bool large = large_kernel();
    double total = 0;
    bool outside = false;
    for (const Lattice* lattice : tried) outside = outside || !lattice->inside();
    for (const Segment& s0 : tried[0]->segments)
        for (const Segment& s1 : tried[1]->segments)
            for (const Segment& s2 : tried[2]->segments) {
                const double taps = static_cast<double>(s0.taps * s1.taps * s2.taps);
                const int64_t points = problem.batch * s0.count * s1.count * s2.count;
                const double tiles = form == Form::outer ? tiles_of(points, rows) : ceil_div(points, rows);
                const double deep = form == Form::depthwise ? taps : taps * depth;
                // What was laid out long ago comes from beyond the caches while earlier parts are used, if not at once.
                const bool meanwhile = kept_kernel && fetches_meanwhile() && points > rows;
                const double fetch = !large ? kNear : meanwhile ? 0 : kFar;
                const double added = form == Form::dot ? kAcross * static_cast<double>(panels() * width) * rows : 0;
                total += kPass + tiles * (kTile * vectors + deep * products + added) +
                         deep * vectors * fetch;
            }
    const double inputs = problem.batch * input.image() / kernels().width;
    return outside ? total + kCopy * inputs : total;
}

// Where a tap reaches beyond the input its products are with zeros. Cut into parts with their own taps, the points do
// without those and without a copy of the input, but there are more and smaller matrix products.
void GatherPlan::cut_at_edges() {
    const std::array<Lattice, 3> cut{lattices[0].split(), lattices[1].split(), lattices[2].split()};
    int best = 0;
    double least = 0;
    for (int choice = 0; choice < 8; ++choice) {
        std::array<const Lattice*, 3> tried;
        bool news = true;
        for (int i = 0; i < 3; ++i) {
            const bool chosen = choice >> i & 1;
            news = news && (!chosen || cut[i].segments.size() != lattices[i].segments.size());
            tried[i] = chosen ? &cut[i] : &lattices[i];
        }
        if (!news) continue;
        const double cost = work(tried);
        if (choice == 0 || cost < least) best = choice, least = cost;
    }
    least_work = least;
    for (int i = 0; i < 3; ++i)
        if (best >> i & 1) lattices[i] = cut[i];
}

// How many taps lie side by side: all of them, or each stands alone.
int64_t GatherPlan::run_length(const std::vector<Tap>& taps) const {
    if (natural || problem.groups > 1 || taps.empty()) return 1;
    for (size_t t = 1; t < taps.size(); ++t)
        if (taps[t].shift != taps[t - 1].shift + 1) return 1;
    return static_cast<int64_t>(taps.size());
}

void GatherPlan::list_weights() {
    const int64_t padded = form == Form::depthwise ? problem.groups : panels() * width;
    for (const auto& taps0 : lattices[0].bases)
        for (const auto& taps1 : lattices[1].bases)
            for (const auto& taps2 : lattices[2].bases) {
                Weights one{{}, run_length(taps2), packed_floats};
                for (const Tap& t0 : taps0)
                    for (const Tap& t1 : taps1)
                        for (size_t t2 = 0; t2 < taps2.size(); t2 += one.length)
                            one.runs.push_back({(t0.index[0] * problem.axes[1].kernel + t1.index[0]) *
                                                    problem.axes[2].kernel, &taps2[t2]});
                if (!natural) packed_floats += static_cast<int64_t>(one.runs.size()) * one.length * depth * padded;
                weights.push_back(std::move(one));
            }
}

Pass GatherPlan::pass_of(const std::array<const Segment*, 3>& segments) const {
    const auto& [s0, s1, s2] = segments;
    const auto& bases1 = lattices[1].bases;
    const auto& bases2 = lattices[2].bases;
    const int64_t which = (s0->base * static_cast<int64_t>(bases1.size()) + s1->base) *
                              static_cast<int64_t>(bases2.size()) + s2->base;
    const int64_t all1 = static_cast<int64_t>(bases1[s1->base].size());
    const int64_t per_run = weights[which].length;
    const int64_t runs2 = static_cast<int64_t>(bases2[s2->base].size()) / per_run;
    Pass pass{segments, which, {}, per_run == 1 ? 1 : s2->taps};
    for (int64_t t0 = 0; t0 < s0->taps; ++t0)
        for (int64_t t1 = 0; t1 < s1->taps; ++t1)
            for (int64_t t2 = 0; t2 < s2->taps; t2 += pass.length) {
                const int64_t place = s2->from + t2;
                const int64_t row = (s0->from + t0) * all1 + s1->from + t1;
                pass.runs.push_back({{lattices[0].taps(*s0)[t0].shift, lattices[1].taps(*s1)[t1].shift,
                                      lattices[2].taps(*s2)[t2].shift},
                                     row * runs2 + place / per_run, place % per_run});
            }
    return pass;
}

void GatherPlan::list_passes() {
    for (const Segment& s0 : lattices[0].segments)
        for (const Segment& s1 : lattices[1].segments)
            for (const Segment& s2 : lattices[2].segments) passes.push_back(pass_of({&s0, &s1, &s2}));
}

// Bands of points and runs of images, so that a block's window stays in the cache and every thread has several blocks.
void GatherPlan::choose_blocks(int64_t workers) {
    copies = false;
    for (int i = 0; i < 3; ++i) {
        const Lattice& lattice = lattices[i];
        copies = copies || !lattice.inside();
        begin[i] = lattice.begin(), end[i] = lattice.end();
        window.sizes[i] = (end[i] - begin[i] - 1) * lattice.step + lattice.reach();
    }
    window.channels = in_channels;
    band_axis = 0;
    while (band_axis < 2 && end[band_axis] - begin[band_axis] == 1) ++band_axis;
    const int64_t points = std::max<int64_t>(1, end[band_axis] - begin[band_axis]);
    const int64_t batch = std::max<int64_t>(1, problem.batch);
    const int64_t budget = std::clamp<int64_t>(kernel_floats(), int64_t{192} << 10, int64_t{4} << 20) / 4;
    const int64_t per_point = std::max<int64_t>(1, window.image() / points);
    band = std::clamp<int64_t>(budget / per_point, std::min<int64_t>(points, 2 * lattices[band_axis].reach()), points);
    images = 1;
    if (band >= points) {
        images = std::clamp<int64_t>(budget / std::max<int64_t>(1, window.image()), 1, batch);
        if (!large_kernel()) images = std::min(images, ceil_div(batch, 4 * workers));
        images = ceil_div(batch, ceil_div(batch, images));
    }
}

int64_t GatherPlan::blocks() const {
    return ceil_div(problem.batch, images) * ceil_div(end[band_axis] - begin[band_axis], band);
}

// Every worker gets something to do. Each block fetches the kernel, so of a large one they share the panels.
void GatherPlan::share_out(int64_t workers) {
    const int64_t enough = large_kernel() ? 2 * workers : workers;
    const int64_t each = lays_parts && together > 1 ? 1 : 4;  // panels that are read together stay so
    if (workers > 1 && blocks() < enough && form != Form::depthwise && panels() >= workers)
        panel_groups = std::min<int64_t>(panels(), each * workers);
    else if (workers > 1 && blocks() < 2 * workers)
        band = std::max<int64_t>(1, std::min(band, ceil_div(end[band_axis] - begin[band_axis], 2 * workers)));
    window.sizes[band_axis] = (band - 1) * lattices[band_axis].step + lattices[band_axis].reach();
}

int64_t GatherPlan::executed_multiply_adds() const {
    int64_t total = 0;
    for (const Pass& pass : passes) {
        const int64_t padded = form == Form::depthwise ? problem.groups : panels() * width;
        total += problem.batch * pass.points() * pass.taps() * depth * padded;
    }
    return total;
}

std::shared_ptr<const GatherPlan> GatherPlan::of(const Problem& problem, bool transposed, bool frozen, bool strict) {
    static auto* const plans = new KeptPlans<GatherPlan>;  // outlives every thread
    const int64_t workers = tconv::threads();
    const auto tiles = static_cast<int64_t>(winograd()), in_split = static_cast<int64_t>(split());
    return plans->of(key_of({transposed, frozen, strict, tiles, in_split, near_bytes(), streams_from(), workers}, problem),
                     [&] { return std::make_shared<const GatherPlan>(problem, transposed, workers, frozen, strict); });
}

}  // namespace tconv
