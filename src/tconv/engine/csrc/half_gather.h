// conv and conv_transpose of bfloat16 arrays, or of float32 ones whose numbers are split in three such parts: for every pass (a
// choice of one phase per axis) a matrix product. Its rows are lattice points, its lanes output channels, its depth taps times
// input channels. Rows are made in one of two ways:
//   windows: the input is copied once, with zeros around it, cells of a stride's residue side by side, so that points that
//            follow one another begin at equal distances; where a line of points ends some rows are idle. An input that lies
//            so already is read in place, but for its end: idle rows are read, too;
//   rows:    the cells under a point's taps are copied side by side, for each pass anew; none is idle.
// Each part of the numbers has a copy of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "contractions.h"
#include "half_kernels.h"
#include "lattice.h"
#include "residues.h"

namespace tconv {

class HalfGather {
  public:
    HalfGather(const Problem& problem, bool transposed, int64_t threads, int64_t parts = 1);
    HalfGather(const HalfGather&) = delete;  // passes point into lattices

    // Whether a problem can go so, and the plan for it, made once; a bounded number of them is kept.
    static bool serves(const Problem& problem) {
        return problem.groups == 1 && problem.coarse_channels > 0 && problem.fine_channels > 0;
    }
    static std::shared_ptr<const HalfGather> of(const Problem& problem, bool transposed);

    double work(bool frozen = false) const;             // in cycles, of one thread; frozen: its strips are there already
    PlanFacts facts() const;
    // The result is rounded, or left as it was summed.
    template <typename Out>
    void run(const Half* input, const HalfView& kernel, Out* output, const Finish& finish) const;

    // The same for float32 arrays, by strips that are there already.
    int64_t packed() const { return parts_ * strips_apart(); }
    void pack(const std::array<HalfView, kParts>& kernel, Half* strips) const;
    void run(const float* input, const Half* strips, float* output, const Finish& finish) const;

  private:
    struct Pass {
        std::array<const Segment*, 3> segments;
        std::vector<int64_t> taps;              // of the kernel, in the order of the depth
        std::vector<HalfRun> runs;              // of a row
        std::vector<int64_t> sums;              // each over so many of them: many short ones lose less than a long one
        int64_t numbers, depth, step;           // of a tap; of a row; that one step takes
        int64_t strips_at;                      // where its strips of weights begin

        int64_t count(int axis) const { return segments[axis]->count; }
        std::array<int64_t, 3> counts() const { return {count(0), count(1), count(2)}; }
        int64_t points() const { return count(0) * count(1) * count(2); }  // of one image
    };
    // A part of the work: of one pass some points, or of all passes those of some images and of a band; and some panels.
    struct Job {
        int64_t pass;                           // -1: all
        int64_t image, images, from, to;
        int64_t panel, panels;
    };
    // An axis of the window.
    struct Side : ResidueSide {
        int64_t begin, end;                     // points of all passes
    };
    struct Layout {
        bool windows = false;
        std::vector<Pass> passes;
        std::vector<Job> jobs;
        int64_t packed = 0;                     // numbers in all strips
        bool packs_within = false;              // rows: each job lays out the strips that it alone uses
        double work = 0, executed = 0;          // in cycles, of one thread; multiply-adds
        int64_t padded = 0;                     // windows: channels of a cell
        bool in_place = false;                  // windows: whether cells lie in the input as they do in a window
        int band_axis = 2;
        int64_t images = 1;
        std::array<Side, 3> sides;

        int64_t cells() const { return images * cells_of(sides); }
    };
    struct Weights {
        const HalfView* kernel;
        const Half* strips;                     // null: each job lays out its own
        const float* bias;
        const Finish& finish;
        bool streams;                           // results go past the caches
    };
    // Where an input is laid out: the parts of its numbers lie `apart`.
    struct Laid {
        Half* at;
        int64_t apart;
    };

    struct Reach;                               // the taps of a pass, in a window
    Layout by_windows(int64_t threads) const;
    void see(Layout& layout) const;
    std::vector<Reach> reaches(const Layout& layout) const;
    std::vector<Job> bands(Layout& layout, int64_t threads) const;
    bool lies_so(const Layout& layout) const;
    void run_along(const Reach& reach, const Layout& layout, Pass& pass) const;
    Layout by_rows(int64_t threads) const;
    std::vector<Pass> passes() const;
    void share(Layout& layout, const std::vector<Job>& parts, int64_t threads) const;
    void divide(Pass& pass) const;
    double idle(const Pass& pass) const;
    double packing(const Layout& layout) const;
    double laying(double runs, double numbers) const;
    void count(Layout& layout, const Pass& pass, int64_t rows, int64_t times) const;
    int64_t panels() const { return ceil_div(strips_, 2); }
    int64_t strip(const Pass& pass) const { return pass.depth * kStrip; }
    // Copies of so many numbers: not a power of two apart, which would fall into the same few lines of the first cache.
    static int64_t spread(int64_t numbers) { return ceil_div(numbers, 2048) * 2048 + 704; }
    int64_t strips_apart() const { return spread(layout_.packed); }
    const Half* read_in_place(const Job& job, const Half* input) const;
    const Half* read_in_place(const Job&, const float*) const { return nullptr; }
    void zero(const Laid& to, int64_t numbers) const;
    void lay_runs(const Half* from, int64_t from_step, int64_t runs, int64_t count, const Laid& to, int64_t to_step) const;
    void lay_runs(const float* from, int64_t from_step, int64_t runs, int64_t count, const Laid& to, int64_t to_step) const;
    template <typename Number>
    void lay_window(const Job& job, const Number* input, Laid to) const;
    template <typename Number>
    void lay_rows(const Job& job, const Number* input, const Laid& to) const;
    void lay_all_strips(const HalfView& kernel, Half* out) const;
    void lay_strips(const Pass& pass, int64_t first, int64_t count, const HalfView& kernel, Half* out) const;
    void lay_strip(const Pass& pass, int64_t strip, const HalfView& kernel, Half* out) const;
    template <typename In, typename Out>
    void compute(const In* input, const HalfView* kernel, const Half* strips, Out* output, const Finish& finish) const;
    template <typename In, typename Out>
    void compute_window(const Job& job, const In* input, const Weights& weights, Out* output) const;
    template <typename In, typename Out>
    void compute_rows(const Job& job, const In* input, const Weights& weights, Out* output) const;
    template <typename Out>
    void multiply(const Pass& pass, int64_t panel, const Laid& rows, int64_t row_step, int64_t count, const Half* strips,
                  const Weights& weights, Out* const* outs) const;
    template <typename Out>
    void multiply_turned(const Job& job, int64_t step, const Half* rows, const Weights& weights, Out* const* outs) const;
    template <typename Out>
    void multiply_kernel(const Job& job, const Half* rows, const Weights& weights, Out* const* outs) const;
    template <typename Out>
    void multiply_lines(const Job& job, const Half* rows, const Weights& weights, Out* const* outs) const;
    template <typename Out>
    void finish(int64_t panel, const float* sums, int64_t pitch, int64_t count, const Weights& weights,
                Out* const* outs) const;

    const Problem problem_;
    const bool transposed_;
    const int64_t parts_;                       // of a number
    int64_t depth_, lanes_, strips_;
    std::array<Lattice, 3> lattices_;
    Layout layout_;
};

}  // namespace tconv
