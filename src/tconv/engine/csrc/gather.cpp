// conv and conv_transpose: for every pass (a choice of one segment per axis) a matrix product whose rows are lattice
// points of many images, whose lanes are output channels, and whose depth is taps times input channels.
#include <algorithm>
#include <cstring>
#include <utility>

#include "contractions.h"
#include "kernels.h"
#include "lattice.h"
#include "pool.h"
#include "scratch.h"
#include "window.h"

namespace tconv {
namespace {

// Taps of one pass that lie side by side along the last axis: their channels are one run of the input's memory.
struct TapRun {
    std::array<int64_t, 3> shift;
    int64_t outer;         // kernel tap along the first two axes, times the last axis' size
    const Tap* innermost;  // the first of the run; per phase of a block, its kernel tap along the last axis
};

struct Pass {
    std::array<const Segment*, 3> segments;
    std::vector<TapRun> runs;
    int64_t length;        // taps in each run
    int64_t packed;        // where its weights begin in the packed array
};

enum class Form { outer, dot, depthwise };

class Gather {
  public:
    Gather(const Problem& problem, const KernelView& kernel, bool transposed, const Finish& finish);
    void run(const float* input, float* output);

  private:
    struct Block {
        int64_t image, images, from, to;    // images, and points along the band axis
        int64_t panel, panels;
    };

    void choose_form();
    void choose_blocks();
    void list_passes();
    void pack();
    void pack_panel(const Pass& pass, int64_t panel) const;
    void pack_rows(const Pass& pass, int64_t run) const;
    void compute(const Block& block, const float* input, float* output) const;
    void compute_pass(const Pass& pass, const Block& block, const float* window, float* output) const;
    void lay_bias(float* out) const;
    const float* weights(const Pass& pass, int64_t panel, int64_t run) const;
    const float* natural(const TapRun& run, int64_t tap, int64_t group, int64_t lane, int64_t channel) const;
    int64_t run_length(const Segment& segment) const;
    int64_t panels_per_group() const { return (lanes_ + width_ - 1) / width_; }

    const Problem& problem_;
    KernelView kernel_;
    Finish finish_;
    bool transposed_, natural_ = false, copies_ = false, in_blocks_ = false;
    std::array<Lattice, 3> lattices_;
    Form form_ = Form::outer;
    void (*tile_)(const Tile&) = nullptr;
    int rows_ = 0;
    int64_t width_ = 0;                     // lanes of one panel
    int64_t in_channels_, out_channels_;    // of whole arrays
    int64_t depth_, lanes_;                 // of one group: channels to sum over, and output lanes
    int64_t packed_floats_ = 0;
    std::vector<Pass> passes_;
    Grid input_{}, window_{};
    std::array<int64_t, 3> begin_{}, end_{};  // lattice points
    int band_axis_ = 2;
    int64_t band_ = 1, images_ = 1, panel_groups_ = 1;
    float* packed_ = nullptr;
    const float* bias_ = nullptr;             // one for each lane of each panel
};

Gather::Gather(const Problem& problem, const KernelView& kernel, bool transposed, const Finish& finish)
    : problem_(problem), kernel_(kernel), finish_(finish), transposed_(transposed) {
    in_channels_ = transposed ? problem.coarse_channels : problem.fine_channels;
    out_channels_ = transposed ? problem.fine_channels : problem.coarse_channels;
    depth_ = in_channels_ / problem.groups;
    lanes_ = out_channels_ / problem.groups;
    const Axis& last = problem.axes[2];
    in_blocks_ = transposed && problem.groups == 1 && last.stride > 1 && lanes_ < kernels().width &&
                 lanes_ * last.stride <= 2 * kernels().width;
    for (int i = 0; i < 3; ++i)
        lattices_[i] = !transposed             ? gathering(problem.axes[i])
                       : in_blocks_ && i == 2 ? scattering_in_blocks(problem.axes[i])
                                              : scattering(problem.axes[i]);
    lanes_ *= lattices_[2].phases;
    for (int i = 0; i < 3; ++i) input_.sizes[i] = lattices_[i].input;
    input_.channels = in_channels_;
    choose_form();
    list_passes();
    choose_blocks();
}

// Lanes are outputs unless they are few, or unless the kernel can be read as it lies and is used too little to be packed.
void Gather::choose_form() {
    const Kernels& table = kernels();
    const int64_t points = problem_.batch * problem_.coarse_cells();
    const bool rarely_used = points <= 64;
    if (problem_.depthwise()) {
        form_ = Form::depthwise, tile_ = table.depthwise, rows_ = table.depthwise_rows, width_ = 1;
        return;
    }
    const bool dot_as_it_lies = transposed_ && !in_blocks_ && kernel_.per_column == 1;
    const bool few_lanes = lanes_ * 2 <= table.width && depth_ >= table.width;
    if (few_lanes || (dot_as_it_lies && rarely_used && depth_ >= 2 * table.width)) {
        const int64_t shape = std::min<int64_t>(lanes_, 3) - 1;
        form_ = Form::dot, tile_ = table.dot[shape], rows_ = table.dot_shape[shape].rows, width_ = shape + 1;
        natural_ = dot_as_it_lies && rarely_used;
        return;
    }
    int best = 0;
    double least = 0;
    constexpr double kPenalty[3] = {1.25, 1.0, 1.0};
    for (int v = 0; v < 3; ++v) {
        const int64_t width = table.outer_shape[v].lanes;
        const double cost = static_cast<double>((lanes_ + width - 1) / width * width) * kPenalty[v];
        if (v == 0 || cost < least) best = v, least = cost;
    }
    tile_ = table.outer[best], rows_ = table.outer_shape[best].rows, width_ = table.outer_shape[best].lanes;
}

// How many taps of a segment lie side by side: all of them, or each stands alone.
int64_t Gather::run_length(const Segment& segment) const {
    const auto& taps = segment.taps;
    if (natural_ || problem_.groups > 1 || taps.empty()) return 1;
    for (size_t t = 1; t < taps.size(); ++t)
        if (taps[t].shift != taps[t - 1].shift + 1) return 1;
    return static_cast<int64_t>(taps.size());
}

void Gather::list_passes() {
    for (const Segment& s0 : lattices_[0].segments)
        for (const Segment& s1 : lattices_[1].segments)
            for (const Segment& s2 : lattices_[2].segments) {
                Pass pass{{&s0, &s1, &s2}, {}, run_length(s2), packed_floats_};
                for (const Tap& t0 : s0.taps)
                    for (const Tap& t1 : s1.taps)
                        for (size_t t2 = 0; t2 < s2.taps.size(); t2 += pass.length) {
                            const int64_t plane = t0.index[0] * problem_.axes[1].kernel + t1.index[0];
                            pass.runs.push_back({{t0.shift, t1.shift, s2.taps[t2].shift},
                                                 plane * problem_.axes[2].kernel, &s2.taps[t2]});
                        }
                const int64_t lanes = form_ == Form::depthwise ? problem_.groups : problem_.groups * panels_per_group() * width_;
                if (!natural_) packed_floats_ += static_cast<int64_t>(pass.runs.size()) * pass.length * depth_ * lanes;
                passes_.push_back(std::move(pass));
            }
}

// Bands of points and runs of images, so that a block's window stays in the cache and every thread has several blocks.
void Gather::choose_blocks() {
    std::array<int64_t, 3> reach;  // input cells that one point sees, and those between
    copies_ = false;
    for (int i = 0; i < 3; ++i) {
        const Lattice& lattice = lattices_[i];
        copies_ = copies_ || !lattice.inside();
        begin_[i] = lattice.begin(), end_[i] = lattice.end();
        reach[i] = lattice.greatest_shift() - lattice.least_shift() + 1;
        window_.sizes[i] = (end_[i] - begin_[i] - 1) * lattice.step + reach[i];
    }
    window_.channels = in_channels_;
    band_axis_ = 0;
    while (band_axis_ < 2 && end_[band_axis_] - begin_[band_axis_] == 1) ++band_axis_;
    const int64_t points = end_[band_axis_] - begin_[band_axis_];
    const int64_t weight_bytes = problem_.taps() * depth_ * out_channels_ * 4;
    const int64_t budget = std::clamp<int64_t>(weight_bytes / 4, int64_t{192} << 10, int64_t{4} << 20) / 4;
    const int64_t per_point = std::max<int64_t>(1, window_.image() / std::max<int64_t>(1, points));
    const int64_t workers = threads();
    band_ = std::clamp<int64_t>(budget / per_point, std::min<int64_t>(points, 2 * reach[band_axis_]), points);
    images_ = 1;
    if (band_ >= points) {
        images_ = std::clamp<int64_t>(budget / std::max<int64_t>(1, window_.image()), 1, problem_.batch);
        images_ = std::min(images_, std::max<int64_t>(1, ceil_div(problem_.batch, 4 * workers)));
    }
    if (workers > 1 && problem_.batch * ceil_div(points, band_) < workers && form_ != Form::depthwise) {
        panel_groups_ = std::min<int64_t>(problem_.groups * panels_per_group(), 4 * workers);
    } else if (workers > 1 && problem_.batch * ceil_div(points, band_) < 2 * workers) {
        band_ = std::max<int64_t>(1, std::min(band_, ceil_div(points, 2 * workers)));
    }
    window_.sizes[band_axis_] = (band_ - 1) * lattices_[band_axis_].step + reach[band_axis_];
}

const float* Gather::natural(const TapRun& run, int64_t tap, int64_t group, int64_t lane, int64_t channel) const {
    const int64_t per_phase = lanes_ / lattices_[2].phases;
    const int64_t innermost = run.innermost[tap].index[lane / per_phase];
    if (innermost < 0) return nullptr;
    const int64_t index = run.outer + innermost, within = lane % per_phase;
    return transposed_ ? kernel_.at(index, within, group * depth_ + channel)
                       : kernel_.at(index, channel, group * per_phase + within);
}

void Gather::pack_panel(const Pass& pass, int64_t panel) const {
    const int64_t group = panel / panels_per_group(), lane0 = panel % panels_per_group() * width_;
    const int64_t per_channel = transposed_ ? kernel_.per_column : kernel_.per_row;
    const bool by_lane = form_ == Form::dot;
    const int64_t lane_step = by_lane ? pass.length * depth_ : 1, channel_step = by_lane ? 1 : width_;
    float* out = packed_ + pass.packed + panel * static_cast<int64_t>(pass.runs.size()) * pass.length * depth_ * width_;
    constexpr int64_t kBlock = 16;
    for (const TapRun& run : pass.runs) {
        for (int64_t tap = 0; tap < pass.length; ++tap) {
            float* first = out + tap * depth_ * channel_step;
            for (int64_t c0 = 0; c0 < depth_; c0 += kBlock)
                for (int64_t n = 0; n < width_; ++n) {
                    const float* from = lane0 + n < lanes_ ? natural(run, tap, group, lane0 + n, c0) : nullptr;
                    const int64_t stop = std::min(c0 + kBlock, depth_);
                    for (int64_t c = c0; c < stop; ++c)
                        first[n * lane_step + c * channel_step] = from ? from[(c - c0) * per_channel] : 0.0f;
                }
        }
        out += pass.length * depth_ * width_;
    }
}

// A convolution's kernel has the lanes innermost: whole rows are read in order and dealt out to the panels.
void Gather::pack_rows(const Pass& pass, int64_t run) const {
    const int64_t panels = panels_per_group(), runs = static_cast<int64_t>(pass.runs.size());
    const int64_t height = pass.length * depth_;
    for (int64_t row = 0; row < height; ++row) {
        const float* from = natural(pass.runs[run], row / depth_, 0, 0, row % depth_);
        float* out = packed_ + pass.packed + (run * height + row) * width_;
        for (int64_t panel = 0; panel < panels; ++panel, from += width_, out += runs * height * width_) {
            const int64_t count = std::min(width_, lanes_ - panel * width_);
            std::memcpy(out, from, count * sizeof(float));
            std::memset(out + count, 0, (width_ - count) * sizeof(float));
        }
    }
}

void Gather::pack() {
    if (form_ == Form::depthwise) {
        for (const Pass& pass : passes_)
            for (size_t r = 0; r < pass.runs.size(); ++r)
                for (int64_t c = 0; c < problem_.groups; ++c)
                    packed_[pass.packed + static_cast<int64_t>(r) * problem_.groups + c] = *natural(pass.runs[r], 0, c, 0, 0);
        return;
    }
    if (!transposed_ && form_ == Form::outer && problem_.groups == 1) {
        for (const Pass& pass : passes_)
            parallel_for(static_cast<int64_t>(pass.runs.size()), [&](int64_t run) { pack_rows(pass, run); });
        return;
    }
    const int64_t panels = problem_.groups * panels_per_group(), all = panels * static_cast<int64_t>(passes_.size());
    const int64_t few = std::max<int64_t>(1, all / (8 * threads()));
    parallel_for(ceil_div(all, few), [&](int64_t part) {
        for (int64_t i = part * few; i < std::min(all, (part + 1) * few); ++i) pack_panel(passes_[i / panels], i % panels);
    });
}

const float* Gather::weights(const Pass& pass, int64_t panel, int64_t run) const {
    if (form_ == Form::depthwise) return packed_ + pass.packed + run * problem_.groups;
    if (natural_) return natural(pass.runs[run], 0, panel / panels_per_group(), panel % panels_per_group() * width_, 0);
    return packed_ + pass.packed + (panel * static_cast<int64_t>(pass.runs.size()) + run) * pass.length * depth_ * width_;
}

// A bias for each lane, as the panels have them, and zeros where the last vector reaches beyond.
void Gather::lay_bias(float* out) const {
    const int64_t per_phase = lanes_ / lattices_[2].phases, width = panels_per_group() * width_;
    if (form_ == Form::depthwise) {
        std::memcpy(out, finish_.bias, problem_.groups * sizeof(float));
        std::memset(out + problem_.groups, 0, kernels().width * sizeof(float));
        return;
    }
    for (int64_t group = 0; group < problem_.groups; ++group)
        for (int64_t n = 0; n < width; ++n)
            out[group * width + n] = n < lanes_ ? finish_.bias[group * per_phase + n % per_phase] : 0.0f;
    std::memset(out + problem_.groups * width, 0, kernels().width * sizeof(float));
}

void Gather::run(const float* input, float* output) {
    Scratch bias(finish_.bias ? problem_.groups * panels_per_group() * width_ + kernels().width : 0);
    if (finish_.bias) lay_bias(bias.data()), bias_ = bias.data();
    Scratch packed(natural_ ? 0 : packed_floats_);
    packed_ = packed.data();
    if (!natural_) pack();
    const int64_t begin = begin_[band_axis_], end = end_[band_axis_];
    const int64_t bands = ceil_div(end - begin, band_), runs = ceil_div(problem_.batch, images_);
    const int64_t panels = form_ == Form::depthwise ? 1 : problem_.groups * panels_per_group();
    const int64_t per_group = ceil_div(panels, panel_groups_);
    parallel_for(runs * bands * panel_groups_, [&](int64_t i) {
        const int64_t group = i % panel_groups_, band = i / panel_groups_ % bands, run = i / panel_groups_ / bands;
        const int64_t image = run * images_, from = begin + band * band_, panel = group * per_group;
        if (panel >= panels) return;
        compute({image, std::min(images_, problem_.batch - image), from, std::min(from + band_, end), panel,
                 std::min(per_group, panels - panel)},
                input, output);
    });
}

void Gather::compute(const Block& block, const float* input, float* output) const {
    Scratch copied(copies_ ? block.images * window_.image() : 0);
    const float* window = copied.data();
    if (copies_) {
        std::array<int64_t, 3> first;
        for (int i = 0; i < 3; ++i) {
            const int64_t point = i == band_axis_ ? block.from : begin_[i];
            first[i] = point * lattices_[i].step + lattices_[i].least_shift();
        }
        for (int64_t n = 0; n < block.images; ++n)
            copy_window(input + (block.image + n) * input_.image(), input_, first,
                        copied.data() + n * window_.image(), window_);
        // Addresses below are formed from input cells; this moves the first of the window's to its beginning.
        window -= (first[0] * window_.sizes[1] + first[1]) * window_.row() + first[2] * window_.pixel();
    } else {
        window = input + block.image * input_.image();
    }
    for (const Pass& pass : passes_) compute_pass(pass, block, window, output);
}

void Gather::compute_pass(const Pass& pass, const Block& block, const float* window, float* output) const {
    const Grid& grid = copies_ ? window_ : input_;
    const Grid out{{lattices_[0].output, lattices_[1].output, lattices_[2].output}, out_channels_};
    std::array<int64_t, 3> from, to;
    for (int i = 0; i < 3; ++i) {
        const Segment& s = *pass.segments[i];
        from[i] = i == band_axis_ ? std::max(s.first, block.from) : s.first;
        to[i] = i == band_axis_ ? std::min(s.first + s.count, block.to) : s.first + s.count;
        if (from[i] >= to[i]) return;
    }
    const int64_t points = block.images * (to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
    std::vector<const float*> rows(points + rows_);
    std::vector<float*> outs(points + rows_);
    std::vector<int32_t> edges(in_blocks_ ? 2 * points : 0);
    const auto place = [&](int axis, int64_t q) {
        const Segment& s = *pass.segments[axis];
        return s.out + (q - s.first) * s.step;
    };
    int64_t m = 0;
    for (int64_t n = 0; n < block.images; ++n)
        for (int64_t z = from[0]; z < to[0]; ++z)
            for (int64_t y = from[1]; y < to[1]; ++y) {
                const float* row = window + n * grid.image() + z * lattices_[0].step * grid.plane() +
                                   y * lattices_[1].step * grid.row();
                float* line = output + (block.image + n) * out.image() + place(0, z) * out.plane() + place(1, y) * out.row();
                for (int64_t x = from[2]; x < to[2]; ++x, ++m) {
                    rows[m] = row + x * lattices_[2].step * grid.pixel();
                    const int64_t cell = place(2, x);
                    outs[m] = line + cell * out.pixel();
                    if (in_blocks_) {
                        const int64_t phases = lattices_[2].phases, each = out_channels_;
                        edges[2 * m] = static_cast<int32_t>(std::max<int64_t>(0, -cell) * each);
                        edges[2 * m + 1] = static_cast<int32_t>(std::min(phases, lattices_[2].output - cell) * each);
                    }
                }
            }
    for (int64_t i = 0; i < rows_; ++i) rows[points + i] = rows[0], outs[points + i] = outs[0];

    const int64_t taps = static_cast<int64_t>(pass.runs.size()), depth = pass.length * depth_;
    std::vector<int64_t> shifts(taps);
    std::vector<const float*> weights_at(taps);
    for (int64_t t = 0; t < taps; ++t) {
        const auto& s = pass.runs[t].shift;
        shifts[t] = s[0] * grid.plane() + s[1] * grid.row() + s[2] * grid.pixel();
    }
    std::vector<const float*> moved(rows_);
    std::vector<float*> targets(rows_);
    std::vector<float> buffer(rows_ * width_);
    for (int64_t panel = block.panel; panel < block.panel + block.panels; ++panel) {
        const int64_t group = panel / panels_per_group(), lane0 = panel % panels_per_group() * width_;
        for (int64_t t = 0; t < taps; ++t) weights_at[t] = weights(pass, panel, t);
        Tile tile{moved.data(), shifts.data(), weights_at.data(), 0, taps, depth, 0, targets.data(), 0,
                  bias_ ? bias_ + panel * width_ : nullptr, finish_.activation, finish_.slope};
        tile.lanes = std::min(width_, lanes_ - lane0);
        tile.step = natural_ ? kernel_.per_row : form_ == Form::dot ? depth : width_;
        if (form_ == Form::depthwise) tile.depth = problem_.groups;
        for (int64_t m0 = 0; m0 < points; m0 += rows_) {
            tile.count = std::min<int64_t>(rows_, points - m0);
            bool whole = true;
            for (int i = 0; i < rows_; ++i) {
                moved[i] = rows[m0 + i] + group * depth_;
                targets[i] = outs[m0 + i] + group * (lanes_ / lattices_[2].phases) + lane0;
                if (in_blocks_ && i < tile.count)
                    whole = whole && edges[2 * (m0 + i)] == 0 && edges[2 * (m0 + i) + 1] == lanes_;
            }
            if (whole) {
                tile_(tile);
                continue;
            }
            for (int i = 0; i < rows_; ++i) targets[i] = buffer.data() + i * width_;
            tile_(tile);
            for (int i = 0; i < tile.count; ++i) {
                const int64_t a = std::max<int64_t>(edges[2 * (m0 + i)], lane0);
                const int64_t b = std::min<int64_t>(edges[2 * (m0 + i) + 1], lane0 + tile.lanes);
                for (int64_t n = a; n < b; ++n) outs[m0 + i][n] = targets[i][n - lane0];
            }
        }
    }
}

void gather(const Problem& problem, const float* input, const KernelView& kernel, float* output, bool transposed,
            const Finish& finish) {
    const int64_t cells = transposed ? problem.fine_cells() : problem.coarse_cells();
    const int64_t channels = transposed ? problem.fine_channels : problem.coarse_channels;
    if (problem.batch * cells * channels == 0) return;
    if (kernel.per_column == 1) return Gather(problem, kernel, transposed, finish).run(input, output);
    const Scratch turned(problem.taps() * problem.rows() * problem.coarse_channels);
    const KernelView natural = natural_view(problem, turned.data());
    copy_kernel(problem, kernel, natural);
    Gather(problem, natural, transposed, finish).run(input, output);
}

}  // namespace

void conv_transpose(const Problem& problem, const float* coarse, const KernelView& kernel, float* fine,
                    const Finish& finish) {
    gather(problem, coarse, kernel, fine, true, finish);
}

void conv(const Problem& problem, const float* fine, const KernelView& kernel, float* coarse, const Finish& finish) {
    gather(problem, fine, kernel, coarse, false, finish);
}

}  // namespace tconv
