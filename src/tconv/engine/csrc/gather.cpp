// conv and conv_transpose: for every pass (a choice of one segment per axis) a matrix product whose rows are lattice
// points of many images, whose lanes are output channels, and whose depth is taps times input channels.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "contractions.h"
#include "gather_weights.h"
#include "pool.h"
#include "scratch.h"
#include "streaming.h"
#include "unfolded.h"

namespace tconv {
namespace {

class Gather {
  public:
    Gather(const GatherPlan& plan, const KernelView& kernel, const Finish& finish)
        : plan_(plan), problem_(plan.problem), kernel_(kernel), weights_(plan, kernel), finish_(finish) {}
    void pack(float* packed) const { weights_.pack(packed); }
    void run(const float* input, const float* packed, float* output);

  private:
    struct Block {
        int64_t image, images, from, to;    // images, and points along the band axis
        int64_t panel, panels;
    };

    // The points of one pass in one block, in memory that all its passes use. Idle rows of the last tile read from where the
    // first does.
    struct Places {
        int64_t count = 0;
        std::vector<const float*> rows;     // where each point's window begins
        std::vector<float*> outs;           // where its lanes go
        std::vector<int32_t> edges;         // of a block of phases: the first lane inside, and the first beyond
        std::vector<const float*> weights;  // of each run of taps, for one panel
    };

    void compute(const Block& block, const float* input, float* output) const;
    void find(Places& places, const Pass& pass, const Block& block, const float* window, float* output) const;
    void compute_pass(const Pass& pass, const Block& block, Places& places) const;
    Tile tile_of(const Pass& pass, int64_t panel) const;
    void put(Tile& tile, const Places& places, int64_t place, float* aside) const;
    bool cut_somewhere(const Places& places, int64_t first, int64_t count) const;
    void lay_bias(float* out) const;
    int64_t lane0(int64_t panel) const { return panel % plan_.panels_per_group() * plan_.width; }

    const GatherPlan& plan_;
    const Problem& problem_;
    const KernelView kernel_;
    const GatherWeights weights_;
    const Finish& finish_;
    const float* packed_ = nullptr;           // the kernel, panel by panel
    const float* bias_ = nullptr;             // one for each lane of each panel
    bool streams_ = false;                    // whole tiles are stored past the caches
};

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
    Places places;
    for (const Pass& pass : plan_.passes) {
        find(places, pass, block, window, output);
        if (places.count) compute_pass(pass, block, places);
    }
    if (streams_) settle();
}

void Gather::find(Places& places, const Pass& pass, const Block& block, const float* window, float* output) const {
    places.count = 0;
    const Grid& grid = plan_.copies ? plan_.window : plan_.input;
    const Grid out{{plan_.lattices[0].output, plan_.lattices[1].output, plan_.lattices[2].output}, plan_.out_channels};
    std::array<int64_t, 3> from, to;
    for (int i = 0; i < 3; ++i) {
        const Segment& s = *pass.segments[i];
        from[i] = i == plan_.band_axis ? std::max(s.first, block.from) : s.first;
        to[i] = i == plan_.band_axis ? std::min(s.first + s.count, block.to) : s.first + s.count;
        if (from[i] >= to[i]) return;
    }
    places.count = block.images * (to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
    places.rows.resize(places.count + plan_.rows), places.outs.resize(places.count + plan_.rows);
    places.edges.resize(plan_.in_blocks ? 2 * places.count : 0);
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
                    places.rows[m] = row + x * plan_.lattices[2].step * grid.pixel();
                    const int64_t cell = place(2, x);
                    places.outs[m] = line + cell * out.pixel();
                    if (plan_.in_blocks) {
                        const int64_t phases = plan_.lattices[2].phases, each = plan_.out_channels;
                        places.edges[2 * m] = static_cast<int32_t>(std::max<int64_t>(0, -cell) * each);
                        const int64_t there = std::min(phases, plan_.lattices[2].output - cell);
                        places.edges[2 * m + 1] = static_cast<int32_t>(there * each);
                    }
                }
            }
    for (; m < places.count + plan_.rows; ++m) places.rows[m] = places.rows[0], places.outs[m] = places.outs[0];
}

// What all tiles of a panel have in common.
Tile Gather::tile_of(const Pass& pass, int64_t panel) const {
    const int64_t run_depth = plan_.weights[pass.weights].length * plan_.depth;
    Tile tile{};
    tile.step = plan_.natural ? kernel_.per_row : plan_.form == Form::dot ? run_depth : plan_.width;
    tile.chunk = part_of_sum(pass.taps() * plan_.depth);
    tile.lanes = std::min(plan_.width, plan_.lanes - lane0(panel));
    const int64_t group = panel / plan_.panels_per_group();
    tile.from = group * plan_.depth, tile.to = group * (plan_.lanes / plan_.lattices[2].phases) + lane0(panel);
    tile.bias = bias_ ? bias_ + panel * plan_.width : nullptr;
    tile.activation = finish_.activation, tile.slope = finish_.slope;
    tile.stream = streams_;
    return tile;
}

// Some panels at a time, and of those one part of the product after the other: for each panel all places of a run, with
// that part's weights.
void Gather::compute_pass(const Pass& pass, const Block& block, Places& places) const {
    const std::vector<Part>& parts = pass.parts;
    const bool whole = parts.size() == 1;
    const int64_t kept = whole ? places.count : plan_.kept(), together = plan_.lays_parts ? plan_.together : 1;
    const Scratch sums(whole ? 0 : together * kept * plan_.width);
    const Scratch laid(plan_.lays_parts ? together * pass.largest_part() * plan_.width : 0);
    const Scratch aside(plan_.in_blocks ? plan_.rows * plan_.width : 0);
    places.weights.resize(pass.runs.size());
    for (int64_t first = block.panel, end = block.panel + block.panels; first < end; first += together)
        for (int64_t from = 0; from < places.count; from += kept)
            for (const Part& part : parts) {
                const int64_t panels = std::min(together, end - first), tap_floats = part.channels * plan_.width;
                if (plan_.lays_parts) weights_.lay(pass, part, first, panels, laid.data());
                for (int64_t i = 0; i < panels; ++i) {
                    Tile tile = tile_of(pass, first + i);
                    for (int64_t t = 0; t < part.taps; ++t)
                        places.weights[t] = plan_.lays_parts ? laid.data() + (i * part.taps + t) * tap_floats
                                                      : weights_.at(packed_, pass, first + i, pass.runs[part.tap + t]) +
                                                            part.channel * tile.step;
                    tile.shifts = pass.shifts.data() + part.tap, tile.weights = places.weights.data(), tile.taps = part.taps;
                    tile.from += part.channel, tile.depth = part.channels;
                    tile.begins = &part == &parts.front(), tile.ends = &part == &parts.back();
                    // The next part's weights lie behind these; several tiles fetch them together.
                    const int64_t floats = part.taps * tap_floats, fetched = part.taps * part.channels * kAhead;
                    int64_t next = plan_.fetches ? floats : 2 * floats;
                    for (int64_t m = from; m < std::min(places.count, from + kept); m += plan_.rows, next += fetched) {
                        tile.next = next < 2 * floats ? places.weights[0] + next : nullptr;
                        tile.sums = whole ? nullptr : sums.data() + (i * kept + m - from) * plan_.width;
                        put(tile, places, m, aside.data());
                    }
                }
            }
}

// Whether a block of phases lies partly outside, among so many places.
bool Gather::cut_somewhere(const Places& places, int64_t first, int64_t count) const {
    if (places.edges.empty()) return false;
    for (int64_t i = first; i < first + count; ++i)
        if (places.edges[2 * i] != 0 || places.edges[2 * i + 1] != plan_.lanes) return true;
    return false;
}

// One tile, from a place on; by way of memory aside where a block of phases lies partly outside.
void Gather::put(Tile& tile, const Places& places, int64_t place, float* aside) const {
    tile.rows = places.rows.data() + place, tile.outs = places.outs.data() + place;
    tile.count = std::min<int64_t>(plan_.rows, places.count - place);
    if (!tile.ends || !cut_somewhere(places, place, tile.count)) return plan_.tile(tile);
    std::array<float*, 8> outs;
    for (int64_t i = 0; i < tile.count; ++i) outs[i] = aside + i * plan_.width;
    Tile there = tile;
    there.outs = outs.data(), there.to = 0;
    plan_.tile(there);
    for (int64_t i = 0; i < tile.count; ++i) {
        const int64_t first = std::max<int64_t>(places.edges[2 * (place + i)], tile.to);
        const int64_t end = std::min<int64_t>(places.edges[2 * (place + i) + 1], tile.to + tile.lanes);
        for (int64_t n = first; n < end; ++n) tile.outs[i][n] = outs[i][n - tile.to];
    }
}

bool all_finite(const float* numbers, int64_t count) {
    constexpr int64_t kRun = 1 << 16;
    std::atomic<bool> finite{true};
    parallel_for(ceil_div(count, kRun), [&](int64_t run) {
        const int64_t from = run * kRun;
        if (finite && !kernels().finite(numbers + from, std::min(kRun, count - from))) finite = false;
    });
    return finite;
}

void gather(const Problem& problem, const float* input, const KernelView& kernel, float* output, bool transposed,
            const Finish& finish, Layouts* layouts) {
    const int64_t cells = transposed ? problem.fine_cells() : problem.coarse_cells();
    const int64_t channels = transposed ? problem.fine_channels : problem.coarse_channels;
    if (problem.batch * cells * channels == 0) return;
    if (!layouts && unfolds(problem, kernel) && unfolded(problem, input, kernel, output, transposed, finish)) return;
    std::shared_ptr<const GatherPlan> plan = GatherPlan::of(problem, transposed, layouts);
    if (plan->gaps && !all_finite(input, problem.batch * plan->input.image()))
        plan = GatherPlan::of(problem, transposed, layouts, true);
    const Scratch turned(kernel.per_column == 1 ? 0 : problem.taps() * problem.rows() * problem.coarse_channels);
    const KernelView natural = kernel.per_column == 1 ? kernel : natural_view(problem, turned.data());
    if (kernel.per_column != 1) copy_kernel(problem, kernel, natural);
    Gather direct(*plan, natural, finish);
    const bool packs = !plan->natural && !plan->lays_parts;
    const auto pack = [&](float* out) {
        if (plan->way) plan->way->pack(natural, out);
        else if (packs) direct.pack(out);
    };
    const auto run = [&](const float* packed) {
        if (plan->way) plan->way->run(input, natural, packed, output, finish);
        else direct.run(input, packed, output);
    };
    const int64_t floats = plan->way ? plan->way->packed_floats() : packs ? plan->packed_floats : 0;
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
    const bool one_block = transposed && plan->lattices[2].phases == problem.axes[2].stride;
    facts.form = plan->form == Form::depthwise ? "depthwise"
                 : plan->form == Form::dot     ? (plan->natural ? "dot as it lies" : "dot")
                 : plan->in_blocks             ? (one_block ? "phases in lanes" : "points in lanes")
                                               : "outer";
    facts.tile_rows = plan->rows, facts.tile_lanes = plan->form == Form::depthwise ? kernels().width : plan->width;
    facts.products = static_cast<int64_t>(plan->passes.size());
    facts.executed = plan->executed_multiply_adds();
    facts.packed_floats = plan->packed_floats;
    facts.in_parts = plan->lays_parts;
    facts.copies = plan->copies;
    facts.streams = plan->streams;
    const int axis = plan->band_axis;
    facts.blocks = ceil_div(problem.batch, plan->images) * ceil_div(plan->end[axis] - plan->begin[axis], plan->band) *
                   plan->panel_groups;
    return facts;
}

}  // namespace tconv
