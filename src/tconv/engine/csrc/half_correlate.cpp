#include "half_correlate.h"

#include <algorithm>
#include <cstring>

#include "caches.h"
#include "half_scratch.h"
#include "kernels.h"
#include "lines.h"
#include "pool.h"
#include "streaming.h"

namespace tconv {

HalfCorrelate::HalfCorrelate(const Problem& problem)
    : problem_(problem), fine_channels_(problem.fine_channels), coarse_channels_(problem.coarse_channels) {
    const Axis& last = problem.axes[2];
    run_taps_ = last.dilation == 1 ? last.kernel : 1;
    run_ = run_taps_ * fine_channels_, segments_ = problem.taps() / run_taps_, strips_ = ceil_div(run_, kStrip);
    padded_rows_ = ceil_div(coarse_channels_, kBlock) * kBlock;
    places_ = problem.batch * problem.coarse_cells();
    constexpr int64_t kPlaces = 512;
    const int64_t parts = ceil_div(places_, kPlaces), each = ceil_div(places_, parts);
    const int64_t steps = ceil_div(each, kDeepest);
    step_ = ceil_div(ceil_div(each, steps), 2) * 2;
    chunk_ = steps * step_, chunks_ = ceil_div(places_, chunk_);
    // How the sums are cut does not depend on the number of threads, so neither does the result.
    const int64_t panels = ceil_div(segments_ * strips_, 2), bytes = padded_rows_ * lanes() * 4;
    constexpr int64_t kSums = int64_t{768} << 10, kJobs = 8;
    groups_ = std::clamp<int64_t>(std::max(ceil_div(bytes, kSums), kJobs), 1, std::max<int64_t>(1, panels));
    splits_ = std::clamp<int64_t>(ceil_div(kJobs, groups_), 1, chunks_);
}

double HalfCorrelate::work() const {
    const double places = static_cast<double>(chunks_ * chunk_), sums = static_cast<double>(padded_rows_ * lanes());
    constexpr double kTurned = 3, kPaired = 1.5;  // numbers in a cycle
    return places * sums / half_kernels().products + places * static_cast<double>(padded_rows_) / kTurned +
           places * static_cast<double>(lanes()) / kPaired + sums * static_cast<double>(splits_);
}

PlanFacts HalfCorrelate::facts() const {
    PlanFacts facts;
    facts.form = "runs";
    facts.tile_rows = facts.tile_lanes = kBlock, facts.products = 1;
    facts.executed = chunks_ * chunk_ * ceil_div(coarse_channels_, kStrip) * kStrip * lanes();
    facts.copies = true, facts.blocks = splits_ * groups_;
    return facts;
}

// Coarse channels as rows of a chunk's places: pairs of places are words, whose rows and columns change places.
void HalfCorrelate::lay_rows(int64_t chunk, const Half* coarse, Half* rows) const {
    const int64_t count = chunk_places(chunk), channels = coarse_channels_;
    const Half* from = coarse + chunk * chunk_ * channels;
    const int64_t wide = ceil_div(channels, kStrip) * kStrip;
    const HalfScratch words(kStrip * 2 * wide);
    if (count < chunk_ || padded_rows_ > channels) std::memset(rows, 0, padded_rows_ * row_step() * sizeof(Half));
    const HalfScratch none(count % 2 ? channels : 0);
    if (count % 2) std::memset(none.data(), 0, channels * sizeof(Half));
    for (int64_t place = 0; place < count; place += 2 * kStrip) {
        const int64_t pairs = std::min(kStrip, ceil_div(count - place, 2));
        for (int64_t i = 0; i < pairs; ++i) {
            const Half* first = from + (place + 2 * i) * channels;
            kernels().pair(first, place + 2 * i + 1 < count ? first + channels : none.data(), channels,
                           words.data() + i * 2 * wide, 2 * kStrip);
        }
        kernels().turn(reinterpret_cast<const float*>(words.data()), wide, pairs, wide,
                       reinterpret_cast<float*>(rows + place), row_step() / 2);
    }
}

// Where the run of each place of a chunk lies; one that reaches beyond the array is made aside, with zeros.
void HalfCorrelate::find_runs(int64_t chunk, int64_t segment, const Half* fine, Half* aside,
                              std::vector<const Half*>& runs) const {
    const auto& a = problem_.axes;
    const int64_t along = a[2].kernel / run_taps_;
    const int64_t x = segment % along * a[2].dilation - a[2].lo, y = segment / along % a[1].kernel * a[1].dilation - a[1].lo;
    const int64_t z = segment / along / a[1].kernel * a[0].dilation - a[0].lo, step = a[2].stride * fine_channels_;
    runs.clear();
    const int64_t begin = chunk * chunk_;
    for (const auto& [image, qz, qy, qx, count] :
         lines_of({a[0].coarse, a[1].coarse, a[2].coarse}, begin, begin + chunk_places(chunk))) {
        const int64_t cz = qz * a[0].stride + z, cy = qy * a[1].stride + y, cx = qx * a[2].stride + x;
        const bool inside = cz >= 0 && cz < a[0].fine && cy >= 0 && cy < a[1].fine;
        const Half* run = fine + (((image * a[0].fine + cz) * a[1].fine + cy) * a[2].fine + cx) * fine_channels_;
        for (int64_t i = 0; i < count; ++i, run += step) {
            const int64_t first = cx + i * a[2].stride;
            if (inside && first >= 0 && first + run_taps_ <= a[2].fine) {
                runs.push_back(run);
                continue;
            }
            std::memset(aside, 0, run_ * sizeof(Half));
            const int64_t from = std::clamp<int64_t>(-first, 0, run_taps_);
            const int64_t to = std::clamp<int64_t>(a[2].fine - first, from, run_taps_);
            if (inside)
                std::memcpy(aside + from * fine_channels_, run + from * fine_channels_,
                            (to - from) * fine_channels_ * sizeof(Half));
            runs.push_back(aside);
            aside += run_;
        }
    }
}

// 16 lanes of the runs as pairs along the places.
void HalfCorrelate::lay_strip(int64_t places, const std::vector<const Half*>& runs, int64_t lane, Half* out) const {
    if (places < chunk_) std::memset(out, 0, chunk_ * kStrip * sizeof(Half));
    kernels().pair_places(runs.data(), places, lane, std::min(kStrip, run_ - lane), out);
}

// The sums of strips [from, to) over the chunks of a split.
void HalfCorrelate::accumulate(int64_t split, int64_t from, int64_t to, const Half* fine, const Half* rows, float* sums,
                               int64_t pitch) const {
    const HalfScratch strips(2 * chunk_ * kStrip), aside(chunk_ * run_);
    std::vector<const Half*> runs;
    runs.reserve(chunk_);
    const HalfKernels& table = half_kernels();
    const HalfRun whole{0, chunk_};
    table.begin(step_);
    const int64_t first = split * chunks_ / splits_, end = (split + 1) * chunks_ / splits_;
    for (int64_t chunk = first; chunk < end; ++chunk) {
        const Half* these = rows + chunk * padded_rows_ * row_step();
        int64_t found = -1;
        for (int64_t at = from; at < to; at += 2) {
            const int64_t wide = std::min<int64_t>(2, to - at);
            for (int64_t i = 0; i < wide; ++i) {
                const int64_t segment = (at + i) / strips_;
                if (segment != found) find_runs(chunk, segment, fine, aside.data(), runs), found = segment;
                lay_strip(chunk_places(chunk), runs, (at + i) % strips_ * kStrip, strips.data() + i * chunk_ * kStrip);
            }
            for (int64_t row = 0; row < coarse_channels_; row += kBlock)
                table.product({these + row * row_step(), row_step(), &whole, 1, strips.data(), chunk_ * kStrip,
                               sums + row * pitch + (at - from) * kStrip, pitch, chunk == first,
                               static_cast<int>(coarse_channels_ - row > kStrip ? kBlock : kStrip),
                               static_cast<int>(wide)});
        }
    }
    table.end();
}

void HalfCorrelate::run(const Half* fine, const Half* coarse, const HalfView& kernel) const {
    const HalfScratch rows(chunks_ * padded_rows_ * row_step());
    parallel_for(chunks_, [&](int64_t chunk) {
        lay_rows(chunk, coarse, rows.data() + chunk * padded_rows_ * row_step());
    });
    const int64_t strips = segments_ * strips_, each = ceil_div(ceil_div(strips, 2), groups_) * 2;
    if (splits_ == 1)
        return parallel_for(groups_, [&](int64_t group) {
            const int64_t from = group * each, to = std::min(strips, from + each);
            if (from >= to) return;
            const Scratch sums(padded_rows_ * (to - from) * kStrip);
            accumulate(0, from, to, fine, rows.data(), sums.data(), (to - from) * kStrip);
            store(sums.data(), (to - from) * kStrip, from, to, kernel);
        });
    const int64_t size = padded_rows_ * lanes();
    const Scratch sums(splits_ * size);
    parallel_for(splits_ * groups_, [&](int64_t i) {
        const int64_t split = i / groups_, from = i % groups_ * each, to = std::min(strips, from + each);
        if (from < to) accumulate(split, from, to, fine, rows.data(), sums.data() + split * size + from * kStrip, lanes());
    });
    for (int64_t s = 1; s < splits_; ++s)
        for (int64_t i = 0; i < size; ++i) sums.data()[i] += sums.data()[s * size + i];
    store(sums.data(), lanes(), 0, strips, kernel);
}

// Rows of sums are columns of the kernel: those of strips [from, to). As many numbers as can be are written side by side.
void HalfCorrelate::store(const float* sums, int64_t pitch, int64_t from, int64_t to, const HalfView& kernel) const {
    constexpr int64_t kColumns = 256;
    alignas(kLine) std::array<float, kStrip * kColumns> block;
    alignas(kLine) std::array<Half, kColumns> line;
    const int64_t along = problem_.axes[2].kernel / run_taps_;
    const int64_t bytes = problem_.taps() * fine_channels_ * coarse_channels_ * static_cast<int64_t>(sizeof(Half));
    const bool past = bytes >= 4 * near_bytes();
    for (int64_t strip = from; strip < to; ++strip) {
        const int64_t segment = strip / strips_, lane0 = strip % strips_ * kStrip, count = std::min(kStrip, run_ - lane0);
        const int64_t tap0 = segment / along * problem_.axes[2].kernel + segment % along;
        for (int64_t c = 0; c < coarse_channels_; c += kColumns) {
            const int64_t wide = std::min(kColumns, coarse_channels_ - c);
            kernels().turn(sums + c * pitch + (strip - from) * kStrip, pitch, wide, count, block.data(), kColumns);
            for (int64_t i = 0; i < count; ++i) {
                const int64_t lane = lane0 + i, tap = tap0 + lane / fine_channels_, d = lane % fine_channels_;
                kernels().narrow(block.data() + i * kColumns, wide, line.data());
                put(line.data(), wide * static_cast<int64_t>(sizeof(Half)), kernel.at(tap, d, c), past);
            }
        }
    }
    if (past) settle();
}

}  // namespace tconv
