// conv and conv_transpose: for every pass (a choice of one segment per axis) a matrix product whose rows are lattice
// points of many images, whose lanes are output channels, and whose depth is taps times input channels.
#include <algorithm>
#include <cstring>
#include <utility>

#include "contractions.h"
#include "gather_plan.h"
#include "pool.h"
#include "scratch.h"
#include "streaming.h"

namespace tconv {
namespace {

class Gather {
  public:
    Gather(const GatherPlan& plan, const KernelView& kernel, const Finish& finish)
        : plan_(plan), problem_(plan.problem), kernel_(kernel), finish_(finish) {}
    void pack(float* packed) const;
    void run(const float* input, const float* packed, float* output);

  private:
    struct Block {
        int64_t image, images, from, to;    // images, and points along the band axis
        int64_t panel, panels;
    };

    void pack_panel(const Weights& weights, int64_t panel, float* packed) const;
    void pack_rows(const Weights& weights, int64_t run, float* packed) const;
    void compute(const Block& block, const float* input, float* output) const;
    void compute_pass(const Pass& pass, const Block& block, const float* window, float* output) const;
    bool cut_somewhere(const std::vector<int32_t>& edges, int64_t place, int64_t count) const;
    void lay_bias(float* out) const;
    const float* weights(const Pass& pass, int64_t panel, const Pass::Run& run) const;
    const float* natural(const TapRun& run, int64_t tap, int64_t group, int64_t lane, int64_t channel) const;

    const GatherPlan& plan_;
    const Problem& problem_;
    const KernelView kernel_;
    const Finish finish_;
    const float* packed_ = nullptr;           // the kernel, panel by panel
    const float* bias_ = nullptr;             // one for each lane of each panel
    bool streams_ = false;                    // whole tiles are stored past the caches
};

const float* Gather::natural(const TapRun& run, int64_t tap, int64_t group, int64_t lane, int64_t channel) const {
    const int64_t per_phase = plan_.lanes / plan_.lattices[2].phases;
    const int64_t innermost = run.innermost[tap].index[lane / per_phase];
    if (innermost < 0) return nullptr;
    const int64_t index = run.outer + innermost, within = lane % per_phase;
    return plan_.transposed ? kernel_.at(index, within, group * plan_.depth + channel)
                       : kernel_.at(index, channel, group * per_phase + within);
}

void Gather::pack_panel(const Weights& weights, int64_t panel, float* packed) const {
    const int64_t group = panel / plan_.panels_per_group(), lane0 = panel % plan_.panels_per_group() * plan_.width;
    const int64_t per_channel = plan_.transposed ? kernel_.per_column : kernel_.per_row;
    const bool by_lane = plan_.form == Form::dot;
    const int64_t lane_step = by_lane ? weights.length * plan_.depth : 1, channel_step = by_lane ? 1 : plan_.width;
    const int64_t floats = static_cast<int64_t>(weights.runs.size()) * weights.length * plan_.depth * plan_.width;
    float* out = packed + weights.packed + panel * floats;
    // A transposed convolution's kernel has the channels innermost: its rows become columns.
    const bool turned = plan_.transposed && !by_lane && !plan_.in_blocks && lane0 + plan_.width <= plan_.lanes;
    constexpr int64_t kBlock = 16;
    for (const TapRun& run : weights.runs) {
        for (int64_t tap = 0; tap < weights.length; ++tap) {
            float* first = out + tap * plan_.depth * channel_step;
            if (turned) {
                kernels().turn(natural(run, tap, group, lane0, 0), kernel_.per_row, plan_.width, plan_.depth, first,
                               plan_.width);
                continue;
            }
            for (int64_t c0 = 0; c0 < plan_.depth; c0 += kBlock)
                for (int64_t n = 0; n < plan_.width; ++n) {
                    const float* from = lane0 + n < plan_.lanes ? natural(run, tap, group, lane0 + n, c0) : nullptr;
                    const int64_t stop = std::min(c0 + kBlock, plan_.depth);
                    for (int64_t c = c0; c < stop; ++c)
                        first[n * lane_step + c * channel_step] = from ? from[(c - c0) * per_channel] : 0.0f;
                }
        }
        out += weights.length * plan_.depth * plan_.width;
    }
}

// A convolution's kernel has the lanes innermost: whole rows are read in order and dealt out to the panels.
void Gather::pack_rows(const Weights& weights, int64_t run, float* packed) const {
    const int64_t panels = plan_.panels_per_group(), runs = static_cast<int64_t>(weights.runs.size());
    const int64_t height = weights.length * plan_.depth;
    for (int64_t row = 0; row < height; ++row) {
        const float* from = natural(weights.runs[run], row / plan_.depth, 0, 0, row % plan_.depth);
        float* out = packed + weights.packed + (run * height + row) * plan_.width;
        for (int64_t panel = 0; panel < panels; ++panel, from += plan_.width, out += runs * height * plan_.width) {
            const int64_t count = std::min(plan_.width, plan_.lanes - panel * plan_.width);
            std::memcpy(out, from, count * sizeof(float));
            std::memset(out + count, 0, (plan_.width - count) * sizeof(float));
        }
    }
}

void Gather::pack(float* packed) const {
    if (plan_.form == Form::depthwise) {
        for (const Weights& weights : plan_.weights) {
            float* out = packed + weights.packed;
            for (const TapRun& run : weights.runs)
                for (int64_t c = 0; c < problem_.groups; ++c) *out++ = *natural(run, 0, c, 0, 0);
        }
        return;
    }
    if (!plan_.transposed && plan_.form == Form::outer && problem_.groups == 1) {
        for (const Weights& weights : plan_.weights)
            parallel_for(static_cast<int64_t>(weights.runs.size()), [&](int64_t run) { pack_rows(weights, run, packed); });
        return;
    }
    const int64_t panels = problem_.groups * plan_.panels_per_group();
    const int64_t all = panels * static_cast<int64_t>(plan_.weights.size());
    const int64_t few = std::max<int64_t>(1, all / (8 * threads()));
    parallel_for(ceil_div(all, few), [&](int64_t part) {
        for (int64_t i = part * few; i < std::min(all, (part + 1) * few); ++i)
            pack_panel(plan_.weights[i / panels], i % panels, packed);
    });
}

const float* Gather::weights(const Pass& pass, int64_t panel, const Pass::Run& run) const {
    const Weights& weights = plan_.weights[pass.weights];
    const int64_t per_group = plan_.panels_per_group(), runs = static_cast<int64_t>(weights.runs.size());
    if (plan_.natural)
        return natural(weights.runs[run.run], run.within, panel / per_group, panel % per_group * plan_.width, 0);
    if (plan_.form == Form::depthwise) return packed_ + weights.packed + run.run * problem_.groups;
    const float* whole = packed_ + weights.packed + (panel * runs + run.run) * weights.length * plan_.depth * plan_.width;
    return whole + run.within * plan_.depth * (plan_.form == Form::dot ? 1 : plan_.width);
}

// A bias for each lane, as the panels have them, and zeros where the last vector reaches beyond.
void Gather::lay_bias(float* out) const {
    const int64_t per_phase = plan_.lanes / plan_.lattices[2].phases, width = plan_.panels_per_group() * plan_.width;
    if (plan_.form == Form::depthwise) {
        std::memcpy(out, finish_.bias, problem_.groups * sizeof(float));
        std::memset(out + problem_.groups, 0, kernels().width * sizeof(float));
        return;
    }
    for (int64_t group = 0; group < problem_.groups; ++group)
        for (int64_t n = 0; n < width; ++n)
            out[group * width + n] = n < plan_.lanes ? finish_.bias[group * per_phase + n % per_phase] : 0.0f;
    std::memset(out + problem_.groups * width, 0, kernels().width * sizeof(float));
}

void Gather::run(const float* input, const float* packed, float* output) {
    Scratch bias(finish_.bias ? problem_.groups * plan_.panels_per_group() * plan_.width + kernels().width : 0);
    if (finish_.bias) lay_bias(bias.data()), bias_ = bias.data();
    packed_ = packed;
    streams_ = plan_.streams && reinterpret_cast<uintptr_t>(output) % kLine == 0;
    const int64_t begin = plan_.begin[plan_.band_axis], end = plan_.end[plan_.band_axis];
    const int64_t bands = ceil_div(end - begin, plan_.band), runs = ceil_div(problem_.batch, plan_.images);
    const int64_t panels = plan_.panels();
    const int64_t per_group = ceil_div(panels, plan_.panel_groups);
    parallel_for(runs * bands * plan_.panel_groups, [&](int64_t i) {
        const int64_t group = i % plan_.panel_groups, rest = i / plan_.panel_groups, band = rest % bands;
        const int64_t image = rest / bands * plan_.images, from = begin + band * plan_.band, panel = group * per_group;
        if (panel >= panels) return;
        compute({image, std::min(plan_.images, problem_.batch - image), from, std::min(from + plan_.band, end), panel,
                 std::min(per_group, panels - panel)},
                input, output);
    });
}

void Gather::compute(const Block& block, const float* input, float* output) const {
    Scratch copied(plan_.copies ? block.images * plan_.window.image() : 0);
    const float* window = copied.data();
    if (plan_.copies) {
        std::array<int64_t, 3> first;
        for (int i = 0; i < 3; ++i) {
            const int64_t point = i == plan_.band_axis ? block.from : plan_.begin[i];
            first[i] = point * plan_.lattices[i].step + plan_.lattices[i].least_shift();
        }
        for (int64_t n = 0; n < block.images; ++n)
            copy_window(input + (block.image + n) * plan_.input.image(), plan_.input, first,
                        copied.data() + n * plan_.window.image(), plan_.window);
        // Addresses below are formed from input cells; this moves the first of the window's to its beginning.
        window -= (first[0] * plan_.window.sizes[1] + first[1]) * plan_.window.row() + first[2] * plan_.window.pixel();
    } else {
        window = input + block.image * plan_.input.image();
    }
    for (const Pass& pass : plan_.passes) compute_pass(pass, block, window, output);
    if (streams_) settle();
}

void Gather::compute_pass(const Pass& pass, const Block& block, const float* window, float* output) const {
    const Grid& grid = plan_.copies ? plan_.window : plan_.input;
    const Grid out{{plan_.lattices[0].output, plan_.lattices[1].output, plan_.lattices[2].output}, plan_.out_channels};
    std::array<int64_t, 3> from, to;
    for (int i = 0; i < 3; ++i) {
        const Segment& s = *pass.segments[i];
        from[i] = i == plan_.band_axis ? std::max(s.first, block.from) : s.first;
        to[i] = i == plan_.band_axis ? std::min(s.first + s.count, block.to) : s.first + s.count;
        if (from[i] >= to[i]) return;
    }
    const int64_t points = block.images * (to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
    std::vector<const float*> rows(points + plan_.rows);
    std::vector<float*> outs(points + plan_.rows);
    std::vector<int32_t> edges(plan_.in_blocks ? 2 * points : 0);
    const auto place = [&](int axis, int64_t q) {
        const Segment& s = *pass.segments[axis];
        return s.out + (q - s.first) * s.step;
    };
    int64_t m = 0;
    for (int64_t n = 0; n < block.images; ++n)
        for (int64_t z = from[0]; z < to[0]; ++z)
            for (int64_t y = from[1]; y < to[1]; ++y) {
                const float* row = window + n * grid.image() + z * plan_.lattices[0].step * grid.plane() +
                                   y * plan_.lattices[1].step * grid.row();
                float* line = output + (block.image + n) * out.image() + place(0, z) * out.plane() +
                              place(1, y) * out.row();
                for (int64_t x = from[2]; x < to[2]; ++x, ++m) {
                    rows[m] = row + x * plan_.lattices[2].step * grid.pixel();
                    const int64_t cell = place(2, x);
                    outs[m] = line + cell * out.pixel();
                    if (plan_.in_blocks) {
                        const int64_t phases = plan_.lattices[2].phases, each = plan_.out_channels;
                        edges[2 * m] = static_cast<int32_t>(std::max<int64_t>(0, -cell) * each);
                        const int64_t there = std::min(phases, plan_.lattices[2].output - cell);
                        edges[2 * m + 1] = static_cast<int32_t>(there * each);
                    }
                }
            }
    for (int64_t i = 0; i < plan_.rows; ++i) rows[points + i] = rows[0], outs[points + i] = outs[0];

    const int64_t taps = static_cast<int64_t>(pass.runs.size()), depth = pass.length * plan_.depth;
    std::vector<int64_t> shifts(taps);
    std::vector<const float*> weights_at(taps);
    for (int64_t t = 0; t < taps; ++t) {
        const auto& s = pass.runs[t].shift;
        shifts[t] = s[0] * grid.plane() + s[1] * grid.row() + s[2] * grid.pixel();
    }
    std::vector<float*> aside(plan_.rows);
    std::vector<float> buffer(plan_.rows * plan_.width);
    for (int i = 0; i < plan_.rows; ++i) aside[i] = buffer.data() + i * plan_.width;
    for (int64_t panel = block.panel; panel < block.panel + block.panels; ++panel) {
        const int64_t per_group = plan_.panels_per_group();
        const int64_t group = panel / per_group, lane0 = panel % per_group * plan_.width;
        for (int64_t t = 0; t < taps; ++t) weights_at[t] = weights(pass, panel, pass.runs[t]);
        Tile tile{};
        tile.shifts = shifts.data(), tile.weights = weights_at.data();
        tile.taps = taps, tile.depth = plan_.form == Form::depthwise ? problem_.groups : depth;
        tile.chunk = part_of_sum(taps * depth);
        const int64_t run_depth = plan_.weights[pass.weights].length * plan_.depth;
        tile.step = plan_.natural ? kernel_.per_row : plan_.form == Form::dot ? run_depth : plan_.width;
        tile.lanes = std::min(plan_.width, plan_.lanes - lane0);
        tile.from = group * plan_.depth;
        tile.bias = bias_ ? bias_ + panel * plan_.width : nullptr;
        tile.activation = finish_.activation, tile.slope = finish_.slope;
        tile.stream = streams_;
        for (int64_t m = 0; m < points; m += plan_.rows) {
            tile.rows = rows.data() + m, tile.count = std::min<int64_t>(plan_.rows, points - m);
            tile.outs = outs.data() + m, tile.to = group * (plan_.lanes / plan_.lattices[2].phases) + lane0;
            if (!cut_somewhere(edges, m, tile.count)) {
                plan_.tile(tile);
                continue;
            }
            tile.outs = aside.data(), tile.to = 0;
            plan_.tile(tile);
            for (int64_t i = 0; i < tile.count; ++i) {
                const int64_t first = std::max<int64_t>(edges[2 * (m + i)], lane0);
                const int64_t end = std::min<int64_t>(edges[2 * (m + i) + 1], lane0 + tile.lanes);
                for (int64_t n = first; n < end; ++n) outs[m + i][n] = aside[i][n - lane0];
            }
        }
    }
}

// Whether a block of phases lies partly outside, among so many places.
bool Gather::cut_somewhere(const std::vector<int32_t>& edges, int64_t place, int64_t count) const {
    if (edges.empty()) return false;
    for (int64_t i = place; i < place + count; ++i)
        if (edges[2 * i] != 0 || edges[2 * i + 1] != plan_.lanes) return true;
    return false;
}

void gather(const Problem& problem, const float* input, const KernelView& kernel, float* output, bool transposed,
            const Finish& finish, Layouts* layouts) {
    const int64_t cells = transposed ? problem.fine_cells() : problem.coarse_cells();
    const int64_t channels = transposed ? problem.fine_channels : problem.coarse_channels;
    if (problem.batch * cells * channels == 0) return;
    const std::shared_ptr<const GatherPlan> plan = GatherPlan::of(problem, transposed, layouts);
    const Scratch turned(kernel.per_column == 1 ? 0 : problem.taps() * problem.rows() * problem.coarse_channels);
    const KernelView natural = kernel.per_column == 1 ? kernel : natural_view(problem, turned.data());
    if (kernel.per_column != 1) copy_kernel(problem, kernel, natural);
    Gather direct(*plan, natural, finish);
    const auto pack = [&](float* out) {
        if (plan->way) plan->way->pack(natural, out);
        else if (!plan->natural) direct.pack(out);
    };
    const auto run = [&](const float* packed) {
        if (plan->way) plan->way->run(input, natural, packed, output, finish);
        else direct.run(input, packed, output);
    };
    const int64_t floats = plan->way ? plan->way->packed_floats() : plan->natural ? 0 : plan->packed_floats;
    if (layouts) return run(layouts->of(plan, floats, pack).get());
    const Scratch packed(floats);
    pack(packed.data());
    run(packed.data());
}

}  // namespace

void conv_transpose(const Problem& problem, const float* coarse, const KernelView& kernel, float* fine,
                    const Finish& finish, Layouts* layouts) {
    gather(problem, coarse, kernel, fine, true, finish, layouts);
}

void conv(const Problem& problem, const float* fine, const KernelView& kernel, float* coarse, const Finish& finish,
          Layouts* layouts) {
    gather(problem, fine, kernel, coarse, false, finish, layouts);
}

PlanFacts plan_facts(const Problem& problem, bool transposed) {
    const std::shared_ptr<const GatherPlan> plan = GatherPlan::of(problem, transposed);
    if (plan->way) return plan->way->facts();
    PlanFacts facts;
    facts.form = plan->form == Form::depthwise ? "depthwise"
                 : plan->form == Form::dot     ? (plan->natural ? "dot as it lies" : "dot")
                 : plan->in_blocks             ? "phases in lanes"
                                               : "outer";
    facts.tile_rows = plan->rows, facts.tile_lanes = plan->form == Form::depthwise ? kernels().width : plan->width;
    facts.products = static_cast<int64_t>(plan->passes.size());
    facts.executed = plan->executed_multiply_adds();
    facts.packed_floats = plan->packed_floats;
    facts.copies = plan->copies;
    facts.streams = plan->streams;
    const int axis = plan->band_axis;
    facts.blocks = ceil_div(problem.batch, plan->images) * ceil_div(plan->end[axis] - plan->begin[axis], plan->band) *
                   plan->panel_groups;
    return facts;
}

}  // namespace tconv
