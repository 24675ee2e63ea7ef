#include "winograd.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

namespace tconv {
namespace {

std::atomic<Use> use{asked_by("TCONV_WINOGRAD")};

int64_t residue(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

// An axis that is not transformed: every tap is a source of its own.
TiledAxis direct_axis(const Lattice& lattice, const Segment& segment) {
    TiledAxis axis{segment.first, segment.count, segment.out, segment.step, lattice.step, lattice.input, 1, 1, {}};
    for (int64_t t = 0; t < segment.taps; ++t) {
        const Tap& tap = lattice.taps(segment)[t];
        axis.sources.push_back({tap.shift, {tap.index[0], -1, -1}});
    }
    return axis;
}

// The taps of each residue of the step lie side by side in its cells; none if they are not two or three.
std::optional<TiledAxis> transformed_axis(const Lattice& lattice, const Segment& segment) {
    TiledAxis axis{segment.first, segment.count, segment.out, segment.step, lattice.step, lattice.input, 2, 3, {}};
    for (int64_t t = 0; t < segment.taps; ++t) {  // by their shift
        const Tap& tap = lattice.taps(segment)[t];
        auto source = std::find_if(axis.sources.begin(), axis.sources.end(), [&](const Source& one) {
            return residue(one.shift, axis.step) == residue(tap.shift, axis.step);
        });
        if (source == axis.sources.end()) source = axis.sources.insert(source, {tap.shift, {-1, -1, -1}});
        const int64_t place = (tap.shift - source->shift) / axis.step;
        if (place > 2) return {};
        source->taps[place] = tap.index[0];
        if (place == 2) axis.taps = 3, axis.results = 2;
    }
    const bool none = std::all_of(axis.sources.begin(), axis.sources.end(),
                                  [](const Source& s) { return s.taps[1] < 0 && s.taps[2] < 0; });
    if (none) return {};
    return axis;
}

// The cells of a tile that lies partly outside, with zeros there.
void copy_cells(const float* image, const Grid& grid, const std::array<int64_t, 3>& first,
                const std::array<int64_t, 2>& step, float* room) {
    std::memset(room, 0, kProducts * grid.channels * sizeof(float));
    if (first[0] < 0 || first[0] >= grid.sizes[0]) return;
    for (int64_t i = 0; i < kCells; ++i)
        for (int64_t j = 0; j < kCells; ++j) {
            const int64_t y = first[1] + i * step[0], x = first[2] + j * step[1];
            if (y < 0 || y >= grid.sizes[1] || x < 0 || x >= grid.sizes[2]) continue;
            std::memcpy(room + (i * kCells + j) * grid.channels,
                        image + first[0] * grid.plane() + y * grid.row() + x * grid.pixel(),
                        grid.channels * sizeof(float));
        }
}

}  // namespace

Use winograd() { return use; }
void set_winograd(Use wanted) { use = wanted; }

int64_t TiledProduct::sources() const {
    int64_t count = 1;
    for (const TiledAxis& axis : axes) count *= static_cast<int64_t>(axis.sources.size());
    return count;
}

std::vector<TiledProduct> tiled_products(const Problem& problem, bool transposed) {
    std::vector<TiledProduct> products;
    if (problem.groups != 1) return products;
    std::array<Lattice, 3> lattices;
    for (int i = 0; i < 3; ++i)
        lattices[i] = transposed ? scattering(problem.axes[i]) : gathering(problem.axes[i]);
    for (const Segment& s0 : lattices[0].segments)
        for (const Segment& s1 : lattices[1].segments)
            for (const Segment& s2 : lattices[2].segments) {
                auto second = transformed_axis(lattices[1], s1), third = transformed_axis(lattices[2], s2);
                TiledAxis first = direct_axis(lattices[0], s0);
                if (!second || !third || first.sources.empty()) return {};
                products.push_back({{std::move(first), std::move(*second), std::move(*third)}, 0});
            }
    return products;
}

TileAt tile_at(const TiledProduct& product, int64_t number) {
    TileAt tile{};
    for (int i = 2; i >= 0; --i) {
        const TiledAxis& axis = product.axes[i];
        tile.place[i] = number % axis.tiles() * axis.results, number /= axis.tiles();
    }
    tile.image = number;
    return tile;
}

void advance(const TiledProduct& product, TileAt& tile) {
    for (int i = 2; i >= 0; --i) {
        const TiledAxis& axis = product.axes[i];
        if ((tile.place[i] += axis.results) < axis.points) return;
        tile.place[i] = 0;
    }
    ++tile.image;
}

void tile_cells(const TiledProduct& product, const TileAt& tile, const Grid& grid, const float* array, float* room,
                float* to, int64_t apart) {
    const auto& [a0, a1, a2] = product.axes;
    const Kernels& table = kernels();
    const Grid cut{{1, kCells, kCells}, grid.channels};
    const float* image = array + tile.image * grid.image();
    const auto first = [&](int i, const Source& source) {
        return (product.axes[i].first + tile.place[i]) * product.axes[i].step + source.shift;
    };
    for (const Source& s0 : a0.sources) {
        const int64_t z = first(0, s0);
        for (const Source& s1 : a1.sources)
            for (const Source& s2 : a2.sources) {
                const int64_t y = first(1, s1), x = first(2, s2);
                const int64_t row = a1.step * grid.row(), pixel = a2.step * grid.pixel();
                const bool inside = z >= 0 && z < a0.input && y >= 0 && y + (kCells - 1) * a1.step < a1.input &&
                                    x >= 0 && x + (kCells - 1) * a2.step < a2.input;
                if (inside) {
                    table.tile_cells(image + z * grid.plane() + y * grid.row() + x * grid.pixel(), row, pixel,
                                     grid.channels, to, apart);
                } else {
                    copy_cells(image, grid, {z, y, x}, {a1.step, a2.step}, room);
                    table.tile_cells(room, cut.row(), cut.pixel(), grid.channels, to, apart);
                }
                to += grid.channels;
            }
    }
}

}  // namespace tconv
