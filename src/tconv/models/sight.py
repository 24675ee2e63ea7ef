"""What one cell of a model's output sees, back through convolutions, decoders and branches, phase by phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import TconvError
from ..geometry import Axis
from .graph import Array, Graph, Node

__all__ = ["Sights", "sights"]

MOST_PHASES = 4096
LOCAL_SPLITS = {"Split", "Slice", "Gather", "chunk", "split", "split_with_sizes", "slice", "getitem", "narrow"}
WHOLE_NORMS = {"instance", "group"}


@dataclass(frozen=True, slots=True)
class Sights:
    """What one cell of an output sees along one axis, on grids without ends.

    Args:
        output: the value that is looked from.
        phases: the cells of `output` after which everything repeats.
        sizes: by value, for each phase the samples from the first to the last cell that is seen; 0 for none.
        counts: by value, for each phase how many cells these are.
        through: the operations that let every cell see all of their input, at which this account ends.
    """

    output: str
    phases: int
    sizes: Mapping[str, tuple[int, ...]]
    counts: Mapping[str, tuple[int, ...]]
    through: tuple[str, ...]


def sights(graph: Graph, axis: int, output: str | None = None) -> Sights | None:
    """Look from a model's output back along one axis; None where it has no such axis, or sizes are wanted.

    Args:
        graph: the model.
        axis: spatial, from 0.
        output: the value to look from; by default the model's first output with this axis.
    """
    ways, rates, through = _ways(graph, axis)
    output = _last_grid(graph) if output is None else output
    if output not in rates:
        return None
    needed = _needed(graph, output, ways)
    phases = math.lcm(*((rates.get(value, Fraction(1)) / rates[output]).denominator for value in needed))
    if phases > MOST_PHASES:
        return None
    seen = [_seen(graph, output, phase, ways) for phase in range(phases)]
    reached = [value for value in needed if all(value in one for one in seen)]
    return Sights(output, phases, {value: tuple(_length(one[value]) for one in seen) for value in reached},
                  {value: tuple(one[value].size for one in seen) for value in reached},
                  tuple(where for where, value in through if value in needed))


def _last_grid(graph: Graph) -> str | None:
    """The value that the model's first output is made of, before it is only laid out anew."""
    makers = {value: node for node in graph.nodes for value in node.outputs}
    value = next(iter(graph.outputs), None)
    while value in makers and makers[value].op not in STEPS and len(makers[value].inputs) == 1:
        value = makers[value].inputs[0]
    return value


Way = Callable[[Array], Array]


def _ways(graph: Graph, axis: int) -> tuple[dict[str, list[tuple[str, Way]]], dict[str, Fraction],
                                            list[tuple[str, str]]]:
    """By value: what it is made of and how, and how many of its cells go to one of the input; and where that ends."""
    ways: dict[str, list[tuple[str, Way]]] = {}
    rates: dict[str, Fraction] = {value: Fraction(1) for value in graph.inputs}
    through = []
    for node in graph.nodes:
        found = _step(graph, node, axis)
        if found is None:
            through += [(node.where, value) for value in node.outputs]
            rates |= {value: Fraction(1) for value in node.outputs}
            continue
        if node.op == "norm" and node.data.kind in WHOLE_NORMS:
            through.append((node.where, node.output))
        taken, rate, way = found
        for value in node.outputs:
            ways[value] = [(one, way) for one in taken]
            rates[value] = rates.get(taken[0], Fraction(1)) * rate
    return ways, rates, through


def _step(graph: Graph, node: Node, axis: int) -> tuple[tuple[str, ...], Fraction, Way] | None:
    """What a node takes, its cells for each one of those, and the cells that some of its cells are made of."""
    row = STEPS.get(node.op)
    if row is None or not node.inputs:
        known = node.says in LOCAL_SPLITS and node.inputs and _alike(graph, node)
        return (node.inputs[:1], Fraction(1), _itself) if known else None
    try:
        found = row(graph, node, axis)
    except (TconvError, IndexError, TypeError):
        return None
    return None if found is None else (node.inputs, *found)


def _alike(graph: Graph, node: Node) -> bool:
    before, after = graph.grid(node.inputs[0]), graph.grid(node.output)
    return bool(before) and before == after


def _itself(cells: Array) -> Array:
    return cells


def _scattered(axis: Axis) -> Way:
    def way(cells: Array) -> Array:
        places = cells[:, None] + axis.lo - np.arange(axis.kernel) * axis.dilation
        return np.unique(places[places % axis.stride == 0] // axis.stride)

    return way


def _gathered(axis: Axis) -> Way:
    def way(cells: Array) -> Array:
        return np.unique(cells[:, None] * axis.stride + np.arange(axis.kernel) * axis.dilation - axis.lo)

    return way


def _grid(graph: Graph, node: Node) -> Any:
    grid = graph.grid(node.inputs[0])
    return grid if grid and None not in grid else None


def _conv(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way]:
    setting = node.data.read(_grid(graph, node)).axes[axis]
    return Fraction(1, setting.stride), _gathered(setting)


def _conv_transpose(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way]:
    setting = node.data.read(_grid(graph, node)).axes[axis]
    return Fraction(setting.stride), _scattered(setting)


def _pool(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way]:
    setting = node.data(_grid(graph, node)).axes[axis]
    return Fraction(1, setting.stride), _gathered(setting)


RADII = {"nearest": 0, "bilinear": 1, "bicubic": 2}


def _resize(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way] | None:
    factor = node.data.factor
    if factor is None:
        before, after = graph.grid(node.inputs[0]), graph.grid(node.output)
        factor = tuple(Fraction(b, a) for a, b in zip(before, after, strict=True))  # type: ignore[arg-type]
    times, radius = Fraction(factor[axis]).limit_denominator(1000), RADII.get(node.data.interpolation)
    return None if radius is None else (times, _interpolated(times, radius))


def _interpolated(times: Fraction, radius: int) -> Way:
    """Cells of a resize: the one below, or those around the place, without those that weigh nothing."""
    p, q = times.numerator, times.denominator

    def way(cells: Array) -> Array:
        if radius == 0:
            return np.unique(cells * q // p)
        twice = (2 * cells + 1) * q - p  # the place, in units of 1 / (2 p)
        low, rest = np.divmod(twice, 2 * p)
        around = low[:, None] + np.arange(1 - radius, radius + 1)
        return np.unique(np.where(rest[:, None] == 0, low[:, None], around))

    return way


def _shuffle(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way]:
    factor = node.data.factor[axis]
    return Fraction(factor), lambda cells: np.unique(cells // factor)


def _shifted(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way]:
    lo = node.data.pairs[axis][0]
    return Fraction(1), lambda cells: cells - lo


def _concat(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way] | None:
    """Along the channels each cell is made of the same cell of all; along other axes this account ends."""
    shape = graph.shapes.get(node.output, ())
    rank = len(shape)
    channels = (-1, rank - 1) if graph.last else (1, 1 - rank if rank else 1)
    return (Fraction(1), _itself) if node.data in channels else None


def _plain(graph: Graph, node: Node, axis: int) -> tuple[Fraction, Way]:
    return Fraction(1), _itself


STEPS: dict[str, Any] = {
    "conv": _conv, "conv_transpose": _conv_transpose, "pool": _pool, "resize": _resize, "shuffle": _shuffle,
    "pad": _shifted, "cut": _shifted, "concat": _concat,
    **dict.fromkeys(("norm", "activation", "scale", "shift", "same", "each"), _plain),
}


def _needed(graph: Graph, output: str, ways: Mapping[str, list[tuple[str, Way]]]) -> list[str]:
    """The values that an output is made of."""
    found, edge = {output: None}, [output]
    while edge:
        for value, _ in ways.get(edge.pop(), ()):
            if value not in found:
                found[value] = None
                edge.append(value)
    return list(found)


def _seen(graph: Graph, output: str, phase: int, ways: Mapping[str, list[tuple[str, Way]]],
          ) -> dict[str, Array]:
    """The cells of every value that one cell of the output is made of."""
    seen: dict[str, Array] = {output: np.array([phase])}
    for node in reversed(graph.nodes):
        for made in node.outputs:
            if made not in seen:
                continue
            for value, way in ways.get(made, ()):
                cells = way(seen[made])
                seen[value] = np.union1d(seen[value], cells) if value in seen else cells
    return seen


def _length(cells: Array) -> int:
    return int(cells[-1] - cells[0]) + 1 if cells.size else 0
