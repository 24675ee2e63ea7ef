#include "half_shift.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "half_scratch.h"
#include "kernels.h"
#include "pool.h"

namespace tconv {

HalfShift::HalfShift(const Problem& problem) : problem_(problem) {
    rows_ = ceil_div(problem.fine_channels, kStrip) * kStrip, lanes_ = ceil_div(problem.coarse_channels, kStrip) * kStrip;
    for (int i = 0; i < 3; ++i) {
        const Axis& axis = problem.axes[i];
        Side& side = sides_[i];
        side.step = axis.stride, side.coarse = axis.coarse, side.least = floor_div(shift(i, 0), axis.stride);
        side.cells = axis.coarse + side.cell(shift(i, axis.kernel - 1));
        for (int64_t t = 0; t < axis.kernel; ++t) side.add(shift(i, t));
    }
    // Blocks whose copies stay in the second cache, as long as there are some for all threads.
    constexpr int64_t kLeast = 512, kNumbers = int64_t{256} << 10;
    const int64_t each = residues_of(sides_) * rows_ + 2 * lanes_, all = problem.batch * cells() / kSplits;
    const int64_t wanted = std::max(kLeast, std::min(all, kNumbers / each));
    band_axis_ = sides_[0].coarse > 1 ? 0 : sides_[1].coarse > 1 ? 1 : 2;
    Side& side = sides_[band_axis_];
    const int64_t reach = side.cells - side.coarse, others = cells() / side.cells;
    const int64_t most = std::clamp<int64_t>(wanted / others - reach, std::min(side.coarse, 4 * reach + 1), side.coarse);
    band_ = ceil_div(side.coarse, ceil_div(side.coarse, most));
    side.cells = band_ + reach;
    if (band_ == side.coarse) images_ = std::clamp<int64_t>(wanted / cells(), 1, problem.batch);
}

// Those of one residue follow one another.
std::vector<HalfShift::Column> HalfShift::columns() const {
    const auto& a = problem_.axes;
    std::vector<Column> all;
    for (int64_t tap = 0; tap < problem_.taps(); ++tap) {
        const std::array<int64_t, 3> at{tap / a[2].kernel / a[1].kernel, tap / a[2].kernel % a[1].kernel, tap % a[2].kernel};
        int64_t residue = 0, cell = 0;
        for (int i = 0; i < 3; ++i) {
            residue = residue * sides_[i].count() + sides_[i].residue(shift(i, at[i]));
            cell = cell * sides_[i].cells + sides_[i].cell(shift(i, at[i]));
        }
        for (int64_t strip = 0; strip < lanes_ / kStrip; ++strip) all.push_back({tap, strip, residue, cell});
    }
    std::stable_sort(all.begin(), all.end(), [](const Column& x, const Column& y) { return x.residue < y.residue; });
    return all;
}

std::vector<HalfShift::Block> HalfShift::blocks() const {
    std::vector<Block> all;
    for (int64_t n = 0; n < problem_.batch; n += images_)
        for (int64_t from = 0; from < sides_[band_axis_].coarse; from += band_)
            all.push_back({n, std::min(images_, problem_.batch - n), from, std::min(from + band_, sides_[band_axis_].coarse)});
    return all;
}

double HalfShift::work() const {
    constexpr double kTurned = 2, kSummed = 2;  // numbers in a cycle
    const double blocks = static_cast<double>(ceil_div(problem_.batch, images_) * ceil_div(sides_[band_axis_].coarse, band_));
    const double cells = static_cast<double>(this->cells()) * blocks;
    return cells * static_cast<double>(sums()) / half_kernels().products + static_cast<double>(sums()) * blocks / kSummed +
           cells * static_cast<double>(residues_of(sides_) * rows_ + lanes_) / kTurned;
}

PlanFacts HalfShift::facts() const {
    PlanFacts facts;
    facts.form = "shifts";
    facts.tile_rows = facts.tile_lanes = kBlock, facts.products = problem_.taps();
    const int64_t count = ceil_div(problem_.batch, images_) * ceil_div(sides_[band_axis_].coarse, band_);
    facts.executed = count * ceil_div(cells(), kDeepest) * kDeepest * sums();
    facts.copies = true, facts.blocks = std::min(kSplits, count);
    return facts;
}

// The block's fine cells, one channel after the other; whether all are finite.
bool HalfShift::lay_fine(const Block& block, const Half* fine, Half* rows) const {
    const auto& a = problem_.axes;
    const int64_t channels = problem_.fine_channels, wide = ceil_div(channels, kStrip) * kStrip, pitch = this->pitch();
    const HalfScratch words(kStrip * 2 * wide), none(wide);
    std::memset(none.data(), 0, wide * sizeof(Half));
    std::vector<const Half*> cells;
    cells.reserve(pitch);
    std::array<int64_t, 3> first;
    for (int i = 0; i < 3; ++i) first[i] = (i == band_axis_ ? block.from : 0) + sides_[i].least;
    bool finite = true;
    for (const int64_t r0 : sides_[0].residues)
        for (const int64_t r1 : sides_[1].residues)
            for (const int64_t r2 : sides_[2].residues) {
                cells.clear();
                for (int64_t n = 0; n < block.images; ++n)
                    for (int64_t z = 0; z < sides_[0].cells; ++z)
                        for (int64_t y = 0; y < sides_[1].cells; ++y) {
                            const int64_t cz = (first[0] + z) * a[0].stride + r0, cy = (first[1] + y) * a[1].stride + r1;
                            const bool inside = cz >= 0 && cz < a[0].fine && cy >= 0 && cy < a[1].fine;
                            const int64_t row = ((block.image + n) * a[0].fine + cz) * a[1].fine + cy;
                            const Half* line = fine + row * a[2].fine * channels;
                            for (int64_t x = 0, cx = first[2] * a[2].stride + r2; x < sides_[2].cells; ++x, cx += a[2].stride)
                                cells.push_back(inside && cx >= 0 && cx < a[2].fine ? line + cx * channels : none.data());
                        }
                cells.resize(pitch, none.data());
                for (int64_t cell = 0; cell < pitch; cell += 2 * kStrip) {
                    finite = kernels().pair_cells(cells.data() + cell, kStrip, channels, words.data(), 2 * wide) && finite;
                    kernels().turn(reinterpret_cast<const float*>(words.data()), wide, kStrip, wide,
                                   reinterpret_cast<float*>(rows + cell), pitch / 2);
                }
                rows += rows_ * pitch;
            }
    return finite;
}

// Strips of the block's coarse cells, each from an even and from an odd cell on, zeros where a line is filled up; where they end.
bool HalfShift::lay_coarse(const Block& block, const Half* coarse, Half* strips, int64_t& last) const {
    const auto& a = problem_.axes;
    const int64_t channels = problem_.coarse_channels;
    const HalfScratch none(channels);
    std::memset(none.data(), 0, channels * sizeof(Half));
    std::vector<const Half*> cells(cells_of_strip(), none.data());
    std::array<int64_t, 3> from{}, count;
    for (int i = 0; i < 3; ++i) count[i] = sides_[i].coarse;
    from[band_axis_] = block.from, count[band_axis_] = block.to - block.from;
    for (int64_t n = 0; n < block.images; ++n)
        for (int64_t z = 0; z < count[0]; ++z)
            for (int64_t y = 0; y < count[1]; ++y) {
                const Half* line = coarse + ((((block.image + n) * a[0].coarse + from[0] + z) * a[1].coarse + from[1] + y) *
                                                 a[2].coarse + from[2]) * channels;
                const int64_t at = ((n * sides_[0].cells + z) * sides_[1].cells + y) * sides_[2].cells;
                for (int64_t x = 0; x < count[2]; ++x) cells[kLead + at + x] = line + x * channels;
                last = at + count[2];
            }
    const int64_t wide = cells_of_strip() * kStrip;
    for (int64_t lane = 0; lane < channels; lane += kStrip, strips += 2 * wide) {
        if (!kernels().pair_places(cells.data(), cells_of_strip(), lane, std::min(kStrip, channels - lane), strips)) return false;
        kernels().pair_anew(strips, cells_of_strip() / 2, strips + wide);
    }
    return true;
}

bool HalfShift::accumulate(const Block& block, const std::vector<Column>& columns, const Half* fine, const Half* coarse,
                           float* sums, bool fresh) const {
    const int64_t wide = cells_of_strip() * kStrip;
    const HalfScratch rows((residues_of(sides_) * rows_ + kStrip) * pitch()), strips(2 * lanes_ / kStrip * wide);
    int64_t last = 0;
    if (!lay_fine(block, fine, rows.data()) || !lay_coarse(block, coarse, strips.data(), last)) return false;
    // A column's lanes, beginning where they meet the fine cell `first`.
    const auto lanes_from = [&](const Column& column, int64_t first) {
        const int64_t cell = kLead + first - column.shift;
        return strips.data() + (2 * column.strip + cell % 2) * wide + cell / 2 * 2 * kStrip;
    };
    const int64_t count = static_cast<int64_t>(columns.size());
    for (int64_t i = 0; i < count;) {
        const Column &one = columns[i], &other = columns[std::min(i + 1, count - 1)];
        const int64_t first = std::min(one.shift, other.shift) / kDeepest * kDeepest;
        const bool two = i + 1 < count && one.residue == other.residue && std::max(one.shift, other.shift) - first <= kLead;
        const int64_t begin = two ? first : one.shift / kDeepest * kDeepest;
        const int64_t reach = two ? std::max(one.shift, other.shift) : one.shift;
        const HalfRun run{begin, ceil_div(last + reach - begin, kDeepest) * kDeepest};
        const Half* lanes = lanes_from(one, begin);
        for (int64_t row = 0; row < rows_; row += kBlock)
            half_kernels().product({rows.data() + (one.residue * rows_ + row) * pitch(), pitch(), &run, 1, lanes,
                                    two ? lanes_from(other, begin) - lanes : 0, sums + row * pitch_of_sums() + i * kStrip,
                                    pitch_of_sums(), fresh, static_cast<int>(std::min(kBlock, rows_ - row)), two ? 2 : 1});
        i += two ? 2 : 1;
    }
    return true;
}

bool HalfShift::run(const Half* fine, const Half* coarse, const HalfView& kernel) const {
    const std::vector<Block> all = blocks();
    const std::vector<Column> columns = this->columns();
    // How the sums are cut does not depend on the number of threads, so neither does the result.
    const int64_t count = static_cast<int64_t>(all.size()), splits = std::min(kSplits, count), size = sums();
    const Scratch sums(splits * size);
    std::atomic<bool> finite{true};
    parallel_for(splits, [&](int64_t split) {
        half_kernels().begin(kDeepest);
        const int64_t first = split * count / splits;
        for (int64_t i = first; i < (split + 1) * count / splits && finite; ++i)
            if (!accumulate(all[i], columns, fine, coarse, sums.data() + split * size, i == first)) finite = false;
        half_kernels().end();
    });
    if (!finite) return false;
    for (int64_t split = 1; split < splits; ++split)
        for (int64_t i = 0; i < size; ++i) sums.data()[i] += sums.data()[split * size + i];
    store(columns, sums.data(), kernel);
    return true;
}

void HalfShift::store(const std::vector<Column>& columns, const float* sums, const HalfView& kernel) const {
    for (size_t i = 0; i < columns.size(); ++i) {
        const Column& column = columns[i];
        const int64_t lane = column.strip * kStrip, count = std::min(kStrip, problem_.coarse_channels - lane);
        for (int64_t d = 0; d < problem_.fine_channels; ++d)
            kernels().narrow(sums + d * pitch_of_sums() + static_cast<int64_t>(i) * kStrip, count,
                             kernel.at(column.tap, d, lane));
    }
}

}  // namespace tconv
