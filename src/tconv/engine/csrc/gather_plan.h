// What `gather` will do, decided from a problem's numbers alone: which micro-kernel, which products, in which blocks.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "kernels.h"
#include "lattice.h"
#include "window.h"
#include "way.h"

namespace tconv {

// Taps that lie side by side along the last axis: their channels are one run of the input's memory.
struct TapRun {
    int64_t outer;         // kernel tap along the first two axes, times the last axis' size
    const Tap* innermost;  // the first of the run; per phase of a block, its kernel tap along the last axis
};

// The kernel's numbers for one choice of bases, laid out panel by panel.
struct Weights {
    std::vector<TapRun> runs;
    int64_t length;        // taps in each run
    int64_t packed;        // where they begin in the packed array
};

// Some taps of a pass, or some channels of one of them: products that are summed before others.
struct Part {
    int64_t tap, taps, channel, channels;
};

// One choice of a segment for each axis: a matrix product.
struct Pass {
    struct Run {
        std::array<int64_t, 3> shift;  // of its first tap
        int64_t run, within;           // that tap's place among the weights
    };
    std::array<const Segment*, 3> segments;
    int64_t weights;       // which
    std::vector<Run> runs;
    int64_t length;        // taps in each run
    std::vector<int64_t> shifts{};  // of each run, in floats
    std::vector<Part> parts{};

    int64_t taps() const { return static_cast<int64_t>(runs.size()) * length; }
    int64_t points() const { return segments[0]->count * segments[1]->count * segments[2]->count; }
    int64_t largest_part() const {
        int64_t most = 0;
        for (const Part& part : parts) most = std::max(most, part.taps * part.channels);
        return most;
    }
};

enum class Form { outer, dot, depthwise };

struct GatherPlan {
    // Plans for a kernel whose coarse channels lie side by side. Frozen: it is laid out but once. Strict: no number meets a
    // zero that stands for a tap, which would spoil what is beside one that is not finite.
    GatherPlan(const Problem& problem, bool transposed, int64_t threads, bool frozen, bool strict);
    GatherPlan(const GatherPlan&) = delete;  // passes point into lattices

    // The plan for these numbers, made once; a bounded number of them is kept.
    static std::shared_ptr<const GatherPlan> of(const Problem& problem, bool transposed, bool frozen = false,
                                                bool strict = false);

    // The weights of a part stay in the second cache while a run of so many places goes by, and so do these places' sums.
    int64_t kept() const { return ceil_div(256, rows) * rows; }

    int64_t panels_per_group() const { return (lanes + width - 1) / width; }
    int64_t panels() const { return form == Form::depthwise ? 1 : problem.groups * panels_per_group(); }
    int64_t executed_multiply_adds() const;  // with idle lanes and rows, and products with zeros around the input

    const Problem problem;
    const bool transposed;
    const bool kept_kernel;                 // it is laid out but once
    bool natural = false;                   // the kernel is read as it lies
    bool lays_parts = false;                // it is laid out part by part, where each is needed
    bool fetches = false;                   // its next part comes from beyond the caches while one is used
    int64_t together = 1;                   // panels that are laid out beside each other
    bool copies = false;                    // the input is copied, with zeros around it
    bool in_blocks = false;                 // lanes are (cell of a block, channel)
    bool gaps = false;                      // and some cells have fewer taps: for finite inputs only
    bool streams = false;                   // the result is larger than the caches, and each tile writes whole lines
    std::array<Lattice, 3> lattices;
    Form form = Form::outer;
    void (*tile)(const Tile&) = nullptr;
    int rows = 0;                           // places of one tile
    int64_t width = 0;                      // lanes of one panel
    double step = 0;                        // outer: what one channel of one tile takes, in multiply-adds of one vector
    int64_t in_channels, out_channels;      // of whole arrays
    int64_t depth, lanes;                   // of one group: channels to sum over, and output lanes
    int64_t packed_floats = 0;
    std::vector<Weights> weights;
    std::vector<Pass> passes;
    Grid input{}, window{};
    std::array<int64_t, 3> begin{}, end{};  // lattice points
    int band_axis = 2;
    int64_t band = 1, images = 1, panel_groups = 1;
    double least_work = 0;                  // in multiply-adds of one vector
    std::shared_ptr<const Way> way;         // done so instead, if not null

  private:
    void choose_arrangement(bool frozen, bool strict);
    void arrange(int64_t points, bool frozen);
    void choose_form(bool frozen);
    void choose_blocks(int64_t threads);
    void share_out(int64_t threads);
    int64_t blocks() const;
    int64_t largest_segment() const;
    bool writes_lines() const;
    int64_t kernel_floats() const { return problem.taps() * depth * out_channels; }
    bool large_kernel() const;
    bool fetches_meanwhile() const;
    double uses() const;
    void cut_at_edges();
    double work(const std::array<const Lattice*, 3>& tried) const;
    void list_weights();
    void list_passes();
    Pass pass_of(const std::array<const Segment*, 3>& segments) const;
    std::vector<int64_t> shifts_of(const Pass& pass) const;
    std::vector<Part> parts_of(const Pass& pass) const;
    int64_t run_length(const std::vector<Tap>& taps) const;
};

}  // namespace tconv
