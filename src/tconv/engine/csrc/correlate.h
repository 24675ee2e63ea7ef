// A gradient of the kernel: for every tap a matrix product whose depth is all places of all images. One array is broadcast
// (rows of the tile), the other lies in the lanes:
//   coarse lanes: rows are (tap, fine channel), lanes are coarse channels;
//   fine lanes:   rows are coarse channels, lanes are (tap along the last axis, fine channel), for few coarse channels.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "contractions.h"
#include "kernels.h"
#include "window.h"

namespace tconv {

class Correlate {
  public:
    explicit Correlate(const Problem& problem);
    void run(const float* fine, const float* coarse, const KernelView& kernel);
    PlanFacts facts() const;
    double work() const;                        // in multiply-adds of one vector

  private:
    struct Part {
        int64_t split;                          // which partial sum
        int64_t first_row, rows;                // tiles of rows
    };

    // A run of images, and of points along the band axis, as the tiles see it.
    struct Block {
        int64_t image, images, from, points;
        const float* fine;
        Grid fine_grid;
        bool fresh;                             // the first of its split
        const float* coarse;                    // in panels where they are the lanes, unless one cell is a panel
    };

    // Where the places of a block lie in both arrays, and in a tile of rows that is laid out anew.
    struct Places {
        int64_t images = 0, points = 0;
        std::vector<int64_t> fine, coarse, rows;
    };

    // Where sums are made; rows from `tail_from` on lie in `tail`.
    struct Sink {
        float* sums;
        float* tail;
        int64_t tail_from;
    };

    struct Choice {
        int shape;
        double cost;
    };

    static Choice choose_tile(int64_t rows, int64_t lanes, bool in_panels);
    void choose_form();
    void choose_splits();
    void accumulate(const Part& part, const float* fine, const float* coarse, const Sink& sink) const;
    bool coarse_lanes() const { return !fine_lanes_ && !depthwise_; }
    bool in_panels() const { return coarse_lanes() && (problem_.groups > 1 || tile_lanes_ != coarse_group_); }
    // Whether each tile of rows is laid out anew, place by place, because many panels meet it.
    bool packs_rows() const { return in_panels() && pitch_ / tile_lanes_ >= kManyPanels; }
    int64_t places(int64_t points) const;       // coarse cells of one image's band
    Places places_of(const Block& block) const;
    void pack_panels(const Block& block, const float* coarse, float* out) const;
    void pack_rows(const float* fine, const int64_t* offsets, const Places& places, float* out) const;
    void tiles(const Part& part, int64_t group, const Block& block, const Places& places, const Sink& sink) const;
    void store(const float* sums, const KernelView& kernel) const;
    int64_t tap_offset(int64_t tap, const Grid& grid) const;

    static constexpr int64_t kManyPanels = 4;

    const Problem& problem_;
    bool depthwise_, fine_lanes_ = false, copies_fine_ = false;
    void (*tile_)(const Sums&) = nullptr;
    int64_t tile_rows_ = 0, tile_lanes_ = 0;
    int64_t rows_ = 0, lanes_ = 0, sets_ = 1;   // per group and set; a set is a choice of taps along the first axes
    int64_t pitch_ = 0, padded_rows_ = 0;
    int64_t fine_group_, coarse_group_;
    int band_axis_ = 0;
    int64_t band_ = 1, images_ = 1, splits_ = 1, row_parts_ = 1;
    Grid fine_window_{}, fine_{}, coarse_{};
    std::array<int64_t, 3> reach_{};
};

}  // namespace tconv
