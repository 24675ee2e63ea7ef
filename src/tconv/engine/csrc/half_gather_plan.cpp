// Which way bfloat16 arrays go, in which parts.
#include <algorithm>
#include <numeric>

#include "half_gather.h"
#include "kept_plans.h"
#include "pool.h"

namespace tconv {
namespace {

constexpr int64_t kSecond = int64_t{256} << 10;     // numbers of a job's input: with a panel they stay in the second cache
constexpr double kCopied = 8;                       // numbers in a cycle, within the caches
constexpr double kStored = 3;                       // and beyond them

}  // namespace

HalfGather::HalfGather(const Problem& problem, bool transposed, int64_t threads, int64_t parts)
    : problem_(problem), transposed_(transposed), parts_(parts) {
    depth_ = transposed ? problem.coarse_channels : problem.fine_channels;
    lanes_ = transposed ? problem.fine_channels : problem.coarse_channels;
    strips_ = ceil_div(lanes_, kStrip);
    for (int i = 0; i < 3; ++i) lattices_[i] = transposed ? scattering(problem.axes[i]) : gathering(problem.axes[i]);
    // The same for any number of threads, and so is what it takes: sums depend on it.
    const Layout windows = by_windows(1), rows = by_rows(1);
    const bool best = windows.work < rows.work;
    layout_ = best ? by_windows(threads) : by_rows(threads);
    layout_.work = best ? windows.work : rows.work;
}

std::vector<HalfGather::Pass> HalfGather::passes() const {
    std::vector<Pass> all;
    for (const Segment& s0 : lattices_[0].segments)
        for (const Segment& s1 : lattices_[1].segments)
            for (const Segment& s2 : lattices_[2].segments) all.push_back({{&s0, &s1, &s2}, {}, {}, {}, 0, 0, 0, 0});
    return all;
}

// Runs of numbers in parts become sums of about a thousand; results of bfloat16 are rounded more than a sum can lose.
void HalfGather::divide(Pass& pass) const {
    if (parts_ == 1) return pass.sums.assign(1, static_cast<int64_t>(pass.runs.size()));
    const int64_t most = std::max<int64_t>(1, 1024 / pass.step) * pass.step;
    std::vector<HalfRun> runs;
    int64_t room = 0;
    for (HalfRun run : pass.runs)
        while (run.depth > 0) {
            if (room == 0) room = most, pass.sums.push_back(0);
            const int64_t some = std::min(run.depth, room);
            runs.push_back({run.at, some}), ++pass.sums.back();
            run.at += some, run.depth -= some, room -= some;
        }
    if (pass.sums.empty()) pass.sums.push_back(0);  // a phase that no tap reaches
    pass.runs = std::move(runs);
}

// How many times as long products take because steps are short, and because a strip has no other beside it.
double HalfGather::idle(const Pass& pass) const {
    constexpr double kAlone = 0.6;
    if (parts_ == 1 || pass.depth == 0) return 1;
    const double strips = static_cast<double>(strips_) + (strips_ % 2 ? kAlone : 0);
    return strips / static_cast<double>(strips_) * kDeepest / static_cast<double>(pass.step);
}

// Products of so many rows, so many times.
void HalfGather::count(Layout& layout, const Pass& pass, int64_t rows, int64_t times) const {
    constexpr double kResults = 6;                  // in a cycle
    const double sums = static_cast<double>(times * ceil_div(rows, kStrip) * kStrip * strips_ * kStrip);
    const double products = sums * static_cast<double>(pass.depth) * (parts_ == 1 ? 1 : kPairsOfParts);
    layout.executed += products;
    layout.work += products * idle(pass) / half_kernels().products + sums / kResults;
}

PlanFacts HalfGather::facts() const {
    PlanFacts facts;
    facts.form = layout_.windows ? "windows" : "copied rows";
    facts.tile_rows = facts.tile_lanes = kBlock;
    facts.products = static_cast<int64_t>(layout_.passes.size());
    facts.executed = static_cast<int64_t>(layout_.executed);
    facts.packed_floats = parts_ * layout_.packed / 2;
    facts.copies = !layout_.in_place;
    facts.blocks = static_cast<int64_t>(layout_.jobs.size());
    return facts;
}

// Parts of the work become jobs; where they are fewer than the threads want, several share one part's panels.
void HalfGather::share(Layout& layout, const std::vector<Job>& parts, int64_t threads) const {
    const int64_t wanted = threads == 1 ? 1 : 4 * threads, count = static_cast<int64_t>(parts.size());
    const int64_t groups = std::clamp<int64_t>(ceil_div(wanted, std::max<int64_t>(1, count)), 1, panels());
    const int64_t each = ceil_div(panels(), groups);
    for (Job part : parts)
        for (part.panel = 0; part.panel < panels(); part.panel += each) {
            part.panels = std::min(each, panels() - part.panel);
            layout.jobs.push_back(part);
        }
    for (Pass& pass : layout.passes) pass.strips_at = layout.packed, layout.packed += strips_ * strip(pass);
    layout.work += packing(layout);
}

double HalfGather::work(bool frozen) const {
    return layout_.work - (frozen ? packing(layout_) : 0);
}

double HalfGather::packing(const Layout& layout) const {
    constexpr int64_t kLarge = int64_t{512} << 10;
    const auto numbers = static_cast<double>(layout.packed);
    if (parts_ == 1) return numbers / (layout.packs_within ? kCopied : kStored);
    return numbers * (layout.packed > kLarge ? 12 : 4);
}

// What it takes to lay out so many numbers in so many runs. Runs that do not fill vectors end in numbers one by one.
double HalfGather::laying(double runs, double numbers) const {
    constexpr double kSplit = 0.7, kEach = 40, kRest = 300;
    return parts_ == 1 ? numbers / kCopied : numbers / kSplit + runs * (depth_ % kStrip ? kRest : kEach);
}

// The taps of a pass in a window, along each axis, and how many of the last axis' lie side by side, run after run.
struct HalfGather::Reach {
    struct At {
        int64_t residue, cell, index;

        bool operator<(const At& other) const { return residue != other.residue ? residue < other.residue : cell < other.cell; }
        bool follows(const At& other) const { return residue == other.residue && cell == other.cell + 1; }
    };
    std::array<std::vector<At>, 3> taps;
    std::vector<int64_t> lengths;
};

HalfGather::Layout HalfGather::by_windows(int64_t threads) const {
    Layout layout;
    layout.windows = true, layout.passes = passes();
    see(layout);
    const std::vector<Reach> reaches = this->reaches(layout);
    // Channels up to an even number of which each run takes whole steps.
    int64_t common = 0;
    for (const Reach& reach : reaches)
        for (const int64_t length : reach.lengths) common = std::gcd(common, length);
    common = std::max<int64_t>(1, common);
    const auto step_of = [](int64_t numbers) {
        const int64_t steps = ceil_div(numbers, kDeepest);
        return numbers % (2 * steps) == 0 ? numbers / steps : 0;
    };
    layout.padded = ceil_div(depth_, 2) * 2;
    while (step_of(common * layout.padded) == 0) layout.padded += 2;
    layout.in_place = lies_so(layout);
    const std::vector<Job> parts = bands(layout, threads);
    for (size_t p = 0; p < layout.passes.size(); ++p) {
        Pass& pass = layout.passes[p];
        pass.step = step_of(common * layout.padded);
        run_along(reaches[p], layout, pass);
        if (pass.count(0) < 1 || pass.count(1) < 1 || pass.count(2) < 1) continue;
        count(layout, pass, (pass.count(1) - 1) * layout.sides[2].cells + pass.count(2), problem_.batch * pass.count(0));
    }
    share(layout, parts, threads);
    const double copies = static_cast<double>(layout.jobs.size()) * static_cast<double>(layout.cells() * residues_of(layout.sides));
    const bool whole = lattices_[2].step == 1 && layout.padded == depth_;
    const double runs = whole ? copies / static_cast<double>(layout.sides[2].cells) : copies;
    if (!layout.in_place) layout.work += laying(runs, copies * static_cast<double>(layout.padded));
    return layout;
}

// Whether an image's window is the image: no zeros around it, nothing left out.
bool HalfGather::lies_so(const Layout& layout) const {
    bool so = parts_ == 1 && layout.padded == depth_;
    for (int i = 0; i < 3; ++i) {
        const Side& side = layout.sides[i];
        so = so && side.step == 1 && side.begin + side.least == 0 && side.cells == lattices_[i].input;
    }
    return so;
}

// What the window of one image covers.
void HalfGather::see(Layout& layout) const {
    for (int i = 0; i < 3; ++i) {
        const Lattice& lattice = lattices_[i];
        Side& side = layout.sides[i];
        side.step = lattice.step, side.begin = lattice.begin(), side.end = lattice.end();
        side.least = floor_div(lattice.least_shift(), lattice.step);
        side.cells = side.end - side.begin + side.cell(lattice.greatest_shift());
        for (const Segment& segment : lattice.segments)
            for (int64_t t = 0; t < segment.taps; ++t) side.add(lattice.taps(segment)[t].shift);
    }
    layout.band_axis = 0;
    while (layout.band_axis < 2 && layout.sides[layout.band_axis].end - layout.sides[layout.band_axis].begin == 1)
        ++layout.band_axis;
}

std::vector<HalfGather::Reach> HalfGather::reaches(const Layout& layout) const {
    std::vector<Reach> all;
    for (const Pass& pass : layout.passes) {
        Reach reach;
        for (int i = 0; i < 3; ++i) {
            const Segment& segment = *pass.segments[i];
            for (int64_t t = 0; t < segment.taps; ++t) {
                const Tap& tap = lattices_[i].taps(segment)[t];
                reach.taps[i].push_back({layout.sides[i].residue(tap.shift), layout.sides[i].cell(tap.shift), tap.index[0]});
            }
            std::sort(reach.taps[i].begin(), reach.taps[i].end());
        }
        const std::vector<Reach::At>& last = reach.taps[2];
        for (size_t t = 0; t < last.size(); ++t) {
            if (t && last[t].follows(last[t - 1])) ++reach.lengths.back();
            else reach.lengths.push_back(1);
        }
        all.push_back(std::move(reach));
    }
    return all;
}

// Bands of points and runs of images, so that a job's window stays in the second cache.
std::vector<HalfGather::Job> HalfGather::bands(Layout& layout, int64_t threads) const {
    Side& side = layout.sides[layout.band_axis];
    int64_t numbers = layout.padded;                // of one image's window
    for (const Side& each : layout.sides) numbers *= each.cells * std::max<int64_t>(1, each.count());
    const int64_t points = side.end - side.begin, reach = side.cells - points + 1, least = std::min(points, 2 * reach);
    const int64_t per_point = std::max<int64_t>(1, numbers / side.cells), most = kSecond / parts_;
    int64_t band = std::clamp<int64_t>(most / per_point, least, points);
    if (threads > 1 && problem_.batch * ceil_div(points, band) < 4 * threads)
        band = std::clamp<int64_t>(ceil_div(points * problem_.batch, 4 * threads), least, band);
    band = ceil_div(points, ceil_div(points, band));
    if (band == points) {
        layout.images = std::clamp<int64_t>(most / std::max<int64_t>(1, numbers), 1, problem_.batch);
        if (threads > 1) layout.images = std::min(layout.images, ceil_div(problem_.batch, 4 * threads));
    }
    side.cells = band + reach - 1;
    std::vector<Job> all;
    for (int64_t n = 0; n < problem_.batch; n += layout.images)
        for (int64_t from = side.begin; from < side.end; from += band)
            all.push_back({-1, n, std::min(layout.images, problem_.batch - n), from, std::min(from + band, side.end), 0, 0});
    return all;
}

// The runs of a row, and the taps that they are of.
void HalfGather::run_along(const Reach& reach, const Layout& layout, Pass& pass) const {
    const auto& sides = layout.sides;
    pass.numbers = layout.padded;
    for (const Reach::At& t0 : reach.taps[0])
        for (const Reach::At& t1 : reach.taps[1]) {
            size_t next = 0;
            for (const int64_t length : reach.lengths) {
                const Reach::At& t2 = reach.taps[2][next];
                const int64_t residue = (t0.residue * sides[1].count() + t1.residue) * sides[2].count() + t2.residue;
                const int64_t line = t0.cell * sides[1].cells + t1.cell;
                const int64_t cell = residue * layout.cells() + line * sides[2].cells + t2.cell;
                pass.runs.push_back({cell * layout.padded, length * layout.padded});
                pass.depth += length * layout.padded;
                for (int64_t t = 0; t < length; ++t, ++next)
                    pass.taps.push_back((t0.index * problem_.axes[1].kernel + t1.index) * problem_.axes[2].kernel +
                                        reach.taps[2][next].index);
            }
        }
    divide(pass);
}

HalfGather::Layout HalfGather::by_rows(int64_t threads) const {
    Layout layout;
    layout.passes = passes();
    std::vector<Job> parts;
    for (size_t p = 0; p < layout.passes.size(); ++p) {
        Pass& pass = layout.passes[p];
        for (int64_t t0 = 0; t0 < pass.segments[0]->taps; ++t0)
            for (int64_t t1 = 0; t1 < pass.segments[1]->taps; ++t1)
                for (int64_t t2 = 0; t2 < pass.segments[2]->taps; ++t2)
                    pass.taps.push_back((lattices_[0].taps(*pass.segments[0])[t0].index[0] * problem_.axes[1].kernel +
                                         lattices_[1].taps(*pass.segments[1])[t1].index[0]) * problem_.axes[2].kernel +
                                        lattices_[2].taps(*pass.segments[2])[t2].index[0]);
        // Steps as equal as can be, each an even number.
        const int64_t numbers = static_cast<int64_t>(pass.taps.size()) * depth_;
        const int64_t steps = std::max<int64_t>(1, ceil_div(numbers, kDeepest));
        pass.numbers = depth_, pass.step = std::max<int64_t>(2, ceil_div(ceil_div(numbers, steps), 2) * 2);
        pass.depth = steps * pass.step;
        pass.runs.push_back({0, pass.depth});
        divide(pass);
        const int64_t points = problem_.batch * pass.points();
        const int64_t most = std::max(kBlock, kSecond / parts_ / pass.depth / kBlock * kBlock);
        if (points == 0) continue;
        const int64_t chunk = ceil_div(ceil_div(points, ceil_div(points, most)), kBlock) * kBlock;
        for (int64_t from = 0; from < points; from += chunk)
            parts.push_back({static_cast<int64_t>(p), 0, 0, from, std::min(from + chunk, points), 0, 0});
        count(layout, pass, points, 1);
    }
    layout.packs_within = parts_ == 1 && parts.size() <= layout.passes.size();
    share(layout, parts, threads);
    for (const Job& job : layout.jobs) {
        const auto rows = static_cast<double>(job.to - job.from);
        layout.work += laying(rows, rows * static_cast<double>(layout.passes[job.pass].depth));
    }
    return layout;
}

std::shared_ptr<const HalfGather> HalfGather::of(const Problem& problem, bool transposed) {
    static auto* const plans = new KeptPlans<HalfGather>;  // outlives every thread
    const int64_t workers = tconv::threads();
    return plans->of(key_of({transposed, workers}, problem),
                     [&] { return std::make_shared<const HalfGather>(problem, transposed, workers); });
}

}  // namespace tconv
