// The micro-kernels, compiled once for each instruction set and chosen when the module loads.
#pragma once

#include <cstdint>

#include "finish.h"
#include "half_kernels.h"

namespace tconv {

// Floats of a tile's `next` that each step of its depth fetches, and the vectors of a tile that has loads to spare for it.
constexpr int64_t kAhead = 32, kFetching = 3;

// A tile of outputs: `rows` places, each the sum over taps and channels of input times weight.
struct Tile {
    const float* const* rows;      // where each place's input window begins, before `from` is added
    const int64_t* shifts;         // per tap: from there to the tap's cell, in floats
    const float* const* weights;   // per tap: the weights of the tile's first lane
    int64_t step;                  // outer: from one channel to the next; dot: from one lane to the next
    int64_t taps, depth;           // taps, and channels to sum over
    int64_t chunk;                 // outer: products in one part of the sum, >= 1
    int64_t lanes;                 // valid lanes; the others are computed and not stored
    float* const* outs;            // where each place's first lane goes, before `to` is added
    int64_t count;                 // valid places
    int64_t from, to;
    const float* bias;             // of the tile's first lane, and a vector beyond the last; null: none
    Activation activation;
    float slope;
    float* sums;                   // outer: where the sums lie between the parts of a product; null: it has one
    bool begins, ends;             // whether this is its first part, and its last
    bool stream;                   // outer: a whole tile is stored past the caches; its places are lines of memory
    const float* next;             // outer: weights that will be needed soon, in the order of their memory; null: none
};

// A tile of a kernel gradient: sums over places of one number of `a` times a run of numbers of `b`.
struct Sums {
    const float* a;
    const int64_t* offsets;        // per row of the tile, into `a`
    const float* b;
    const int64_t* a_places;       // where each place lies in `a` and in `b`
    const int64_t* b_places;
    int64_t places;
    float* sums;                   // rows `pitch` apart
    int64_t pitch;
    bool fresh;                    // whether they begin at zero; otherwise they are added to
};

// Some runs of sums, each over `depth` runs of numbers times a factor of its own.
struct RowSums {
    const float* factors;          // those of one result lie side by side
    const float* const* runs;      // `depth` of them
    const float* const* before;    // per result, the sums so far; null: all begin at zero
    float* const* to;              // per result, where the sums go: it may be where they were
    int64_t results, depth;        // one or two results, and up to their `row_depth` runs
    int64_t count;                 // numbers in a run
    bool stream;                   // they go past the caches; their places are lines of memory
};

// Blocks of a row of results, each the sum of a block from each of some runs of numbers.
struct Term {
    const float* at;               // of the block counted zero
    int64_t floats;                // in a block; the rest of it counts as zero
};
struct TermSums {
    const Term* terms;
    int64_t count, step;           // terms; from one block to the next in a term
    float* to;                     // `block` floats for each; what lies behind the last is written, too, for a vector
    int64_t block;
    int64_t first, blocks, end;    // blocks [first, first + blocks); zero are those that do not lie in [0, end)
};

// One of the 16 matrix products of Winograd's tiles: `tiles` rows of `depth` numbers times a panel of weights.
struct TileProduct {
    const float* cells;            // a tile's numbers lie side by side, and `step` from one tile to the next
    int64_t step;
    const float* weights;
    int64_t tiles, depth, chunk;   // chunk: products in one part of a sum, >= 1
    float* sums;                   // a tile's lanes lie side by side
};

// The results of one of Winograd's tiles: made of its 16 products, which lie `apart`.
struct TileResults {
    const float* products;
    int64_t apart, channels;
    float* corner;                 // where the first result goes, and from one to the next along both axes
    int64_t row, pixel;
    int64_t rows, columns;         // how many there are room for
    const float* bias;             // of the first channel, and a vector beyond the last; null: none
    Activation activation;
    float slope;
    bool stream;                   // they go past the caches; their places are lines of memory
};

// Gradients of results as those of the sums before an activation, and their sums.
template <typename Number>
struct Slopes {
    Activation activation;
    float slope;
    const Number* results;         // null where the activation is none
    const Number* gradients;
    Number* before;                // where the products go; null: nowhere
    int64_t count;
    float* sums;                   // one for each number of a period, added to; null: none
    int64_t period;                // floats after which the sums begin anew: whole vectors
    bool stream;                   // past the caches, to where a line of memory begins
};

// Rows and columns of an image, up to others.
struct Block {
    int64_t row, to_row, column, to_column;
};

struct Shape {
    int rows, lanes;
};

constexpr int kOuterShapes = 4;

// Beside each tile of `outer` there are two of fewer rows, for the last places of a run.
constexpr int64_t some_rows(int64_t rows) { return (rows + 1) / 2; }
constexpr int64_t few_rows(int64_t rows) { return (rows + 3) / 4; }

struct Kernels {
    const char* name;
    int width;                                    // floats in a vector
    Shape outer_shape[kOuterShapes];              // one to four vectors wide
    void (*outer[kOuterShapes])(const Tile&);     // lanes are outputs; inputs are broadcast
    Shape dot_shape[4];
    void (*dot[4])(const Tile&);                  // lanes are channels, summed at the end; the last for a single place
    Shape sums_shape[6];
    void (*sums[6])(const Sums&);                 // the last three are low and wide
    int depthwise_rows;
    void (*depthwise)(const Tile&);               // lanes are channels, each with weights of its own; depth = channels
    void (*depthwise_sums)(const Sums&, int64_t channels);
    void (*turn)(const float* from, int64_t from_step, int64_t lanes, int64_t depth, float* to, int64_t to_step);
    void (*turn_past)(const float* from, int64_t from_step, int64_t lanes, int64_t depth, float* to, int64_t to_step);
    // A block of an image of `rows` rows of `columns` numbers becomes columns, where as many rows of `rows` numbers lie.
    void (*turn_block)(const float* from, int64_t rows, int64_t columns, const Block& block, float* to, bool past);
    bool (*finite)(const float* numbers, int64_t count);
    int row_depth[2];
    void (*row_sums)(const RowSums&);
    void (*sum_terms)(const TermSums&);
    void (*finish)(const float* sums, const Finish& finish, float* to, int64_t count);
    void (*slopes)(const Slopes<float>&);
    // Winograd's transforms: 4x4 cells, or taps (null: zero), to 16 numbers for each channel, `apart`; and sums of their
    // products to results. Indices are the taps, or the results, along both axes, less two.
    void (*tile_cells)(const float* corner, int64_t row, int64_t pixel, int64_t channels, float* to, int64_t apart);
    void (*tile_taps[2][2])(const float* const* taps, int64_t channels, float* to, int64_t apart);
    void (*tile_product[kOuterShapes])(const TileProduct&);  // shapes as `outer`
    void (*tile_results[2][2])(const TileResults&);
    // Numbers of 16 bits. Pairs of two rows are dealt out to strips, and those of runs become the lines of one strip.
    void (*half_product)(const Product&);
    void (*pair)(const Half* a, const Half* b, int64_t count, Half* out, int64_t strip_step);
    bool (*pair_places)(const Half* const* runs, int64_t places, int64_t lane, int64_t count, Half* out);
    void (*pair_anew)(const Half* pairs, int64_t count, Half* out);
    bool (*pair_cells)(const Half* const* runs, int64_t pairs, int64_t count, Half* out, int64_t to_step);
    void (*copy_runs)(const Half* from, int64_t from_step, int64_t rows, int64_t count, Half* to, int64_t to_step);
    void (*split_runs)(const float* from, int64_t from_step, int64_t rows, int64_t count, Half* to, int64_t to_step,
                       int64_t apart);
    void (*round_rows)(const FinishedRows<Half>&);
    void (*finish_rows)(const FinishedRows<float>&);
    void (*widen)(const Half* from, int64_t count, float* to);
    void (*narrow)(const float* from, int64_t count, Half* to);
    void (*half_slopes)(const Slopes<Half>&);
};

const Kernels& kernels();

// What a step of one of the shapes of `outer` takes, in multiply-adds of one vector: its loads are work, too.
double outer_step(int shape);
// What tiles of so many rows take for some places, in whole tiles.
double tiles_of(int64_t places, int64_t rows);
// The shape of `outer` that does so many lanes at so many places soonest.
int best_outer(int64_t lanes, int64_t places);

}  // namespace tconv
