#include "rows.h"

#include <algorithm>
#include <array>

namespace tconv {
namespace {

struct AxisTap {
    int64_t tap;
    std::vector<int64_t> coarse, fine;
};

// The taps of one axis, each with the cells that it joins.
std::vector<AxisTap> taps_of(const Axis& axis) {
    std::vector<AxisTap> taps;
    for (int64_t k = 0; k < axis.kernel; ++k) {
        AxisTap tap{k, {}, {}};
        for (int64_t q = 0; q < axis.coarse; ++q) {
            const int64_t cell = q * axis.stride + k * axis.dilation - axis.lo;
            if (cell >= 0 && cell < axis.fine) tap.coarse.push_back(q), tap.fine.push_back(cell);
        }
        taps.push_back(std::move(tap));
    }
    return taps;
}

}  // namespace

std::vector<Meetings> meetings_of(const Problem& problem) {
    const auto& [a0, a1, a2] = problem.axes;
    const std::array<std::vector<AxisTap>, 3> taps{taps_of(a0), taps_of(a1), taps_of(a2)};
    std::vector<Meetings> all;
    for (const AxisTap& t0 : taps[0])
        for (const AxisTap& t1 : taps[1])
            for (const AxisTap& t2 : taps[2]) {
                Meetings one{(t0.tap * a1.kernel + t1.tap) * a2.kernel + t2.tap, {}, {}};
                for (int64_t n = 0; n < problem.batch; ++n)
                    for (size_t i = 0; i < t0.coarse.size(); ++i)
                        for (size_t j = 0; j < t1.coarse.size(); ++j)
                            for (size_t k = 0; k < t2.coarse.size(); ++k) {
                                const int64_t z = n * a0.coarse + t0.coarse[i], fz = n * a0.fine + t0.fine[i];
                                one.coarse.push_back((z * a1.coarse + t1.coarse[j]) * a2.coarse + t2.coarse[k]);
                                one.fine.push_back((fz * a1.fine + t1.fine[j]) * a2.fine + t2.fine[k]);
                            }
                all.push_back(std::move(one));
            }
    const auto residues = [&](const Meetings& m) {
        const int64_t x = m.tap % a2.kernel, y = m.tap / a2.kernel % a1.kernel, z = m.tap / a2.kernel / a1.kernel;
        return std::array<int64_t, 3>{z * a0.dilation % a0.stride, y * a1.dilation % a1.stride, x * a2.dilation % a2.stride};
    };
    std::stable_sort(all.begin(), all.end(),
                     [&](const Meetings& a, const Meetings& b) { return residues(a) < residues(b); });
    return all;
}

int64_t run_of(const std::vector<Meetings>& taps) {
    constexpr int64_t kNear = (int64_t{64} << 10) / 4, kLong = 512;
    int64_t most = 1;
    for (const Meetings& tap : taps) most = std::max(most, tap.count());
    return std::max(kNear / most, kLong);
}

double rows_work(const std::vector<Meetings>& taps, int64_t rows, int64_t lanes) {
    constexpr double kProduct = 1.3, kFarther = 0.02;  // with its share of loads and stores; for each more place
    constexpr double kRow = 2.5;                       // a vector of the kernel, from beyond the caches or to there
    double each = 0;
    for (const Meetings& tap : taps) {
        const double places = static_cast<double>(tap.count());
        each += places * (kProduct + kFarther * places) + kRow;
    }
    return each * static_cast<double>(rows * ceil_div(lanes, kernels().width));
}

PlanFacts rows_facts(const std::vector<Meetings>& taps, int64_t channels, int64_t lanes) {
    PlanFacts facts;
    facts.form = "rows";
    facts.tile_rows = 2, facts.tile_lanes = kernels().width;
    facts.products = static_cast<int64_t>(taps.size());
    for (const Meetings& tap : taps)
        facts.executed += tap.count() * channels * ceil_div(lanes, kernels().width) * kernels().width;
    return facts;
}

bool few_places(const Problem& problem, int64_t lanes) {
    constexpr int64_t kFew = 256;
    return problem.groups == 1 && problem.batch * problem.coarse_cells() <= kFew && lanes >= 2 * kernels().width;
}

}  // namespace tconv
