"""Sizes that a model leaves open, from those of its inputs on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ShapeError, TconvError
from ..geometry import problem_from_coarse, problem_from_fine
from .graph import Graph, Node, Shape

__all__ = ["sized"]


def sized(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """The graph with these shapes said, and what follows from them; what is known already is kept.

    Raises:
        ShapeError: if a name is none of the graph's values, or a shape contradicts what is known.
    """
    known = dict(graph.shapes)
    for name, shape in shapes.items():
        known[_name(graph, name)] = _met(graph, _name(graph, name), shape)
    for node in graph.nodes:
        before = known.get(node.output)
        if before is None or None in before:
            after = _after(replace(graph, shapes=known), node)
            if after is not None and (before is None or len(before) == len(after)):
                known[node.output] = tuple(a if b is None else b
                                           for a, b in zip(after, before or (None,) * len(after), strict=True))
    return replace(graph, shapes=known)


def _name(graph: Graph, name: str) -> str:
    if not name and len(graph.inputs) != 1:
        raise ShapeError(f"shape: the model has {len(graph.inputs)} inputs; give each its own, as "
                         f"{', '.join(f'{one}=...' for one in graph.inputs)}.")
    name = name or graph.inputs[0]
    if name not in graph.inputs and name not in graph.shapes and not any(name in node.outputs for node in graph.nodes):
        raise ShapeError(f"shape: the model has no value {name!r}; its inputs are {', '.join(graph.inputs)}.")
    return name


def _met(graph: Graph, name: str, shape: Shape) -> Shape:
    before = graph.shapes.get(name, (None,) * len(shape))
    if len(before) != len(shape):
        raise ShapeError(f"shape: {name!r} has {len(before)} axes, but {len(shape)} sizes were given; give batch and "
                         "channels too.")
    for number, (a, b) in enumerate(zip(before, shape, strict=True)):
        if a not in (None, b):
            raise ShapeError(f"shape: {name!r} has {a} on axis {number}, and not {b}; the model leaves open only axes "
                             f"{[n for n, size in enumerate(before) if size is None]}.")
    return shape


def _after(graph: Graph, node: Node) -> Shape | None:
    """The shape of what a node gives, where it follows from what it takes."""
    taken = [graph.shapes.get(value) for value in node.inputs]
    if not taken or taken[0] is None:
        return None
    if node.op in ("each", "concat") and (None in taken or len({len(one) for one in taken if one}) > 1):
        return None
    row = ROWS.get(node.op)
    try:
        return None if row is None else row(graph, node, taken)
    except TconvError:
        return None


def _joined(graph: Graph, grid: tuple[int | None, ...], channels: int | None, like: Shape) -> Shape:
    return (like[0], *grid, channels) if graph.last else (like[0], channels, *grid)


def _split(graph: Graph, shape: Shape) -> tuple[tuple[Any, ...], int | None]:
    return (shape[1:-1], shape[-1]) if graph.last else (shape[2:], shape[1])


def _convolution(graph: Graph, node: Node, taken: list[Any]) -> Shape:
    grid, _ = _split(graph, taken[0])
    channels = node.data.channels[1]
    if None in grid:
        return _joined(graph, (None,) * len(grid), channels, taken[0])
    spec = node.data.read(grid)
    transposed = node.op == "conv_transpose"
    sizes = problem_from_coarse(spec, grid).fine if transposed else problem_from_fine(spec, grid).coarse
    return _joined(graph, sizes, channels, taken[0])


def _pool(graph: Graph, node: Node, taken: list[Any]) -> Shape | None:
    grid, channels = _split(graph, taken[0])
    if None in grid:
        return None
    return _joined(graph, problem_from_fine(node.data(grid), grid).coarse, channels, taken[0])


def _resize(graph: Graph, node: Node, taken: list[Any]) -> Shape | None:
    grid, channels = _split(graph, taken[0])
    if node.data.factor is None:
        return None
    sizes = (None if size is None else math.floor(size * times)
             for size, times in zip(grid, node.data.factor, strict=True))
    return _joined(graph, tuple(sizes), channels, taken[0])


def _shuffle(graph: Graph, node: Node, taken: list[Any]) -> Shape:
    grid, channels = _split(graph, taken[0])
    sizes = (None if size is None else size * times for size, times in zip(grid, node.data.factor, strict=True))
    return _joined(graph, tuple(sizes), None if channels is None else channels // math.prod(node.data.factor), taken[0])


def _pad(graph: Graph, node: Node, taken: list[Any]) -> Shape:
    grid, channels = _split(graph, taken[0])
    sizes = (None if size is None else size + lo + hi for size, (lo, hi) in zip(grid, node.data.pairs, strict=True))
    return _joined(graph, tuple(sizes), channels, taken[0])


def _concat(graph: Graph, node: Node, taken: list[Any]) -> Shape:
    axis = node.data % len(taken[0])
    along = [one[axis] for one in taken]
    total = None if None in along else sum(along)
    return tuple(total if number == axis else _agreed(sizes) for number, sizes in enumerate(zip(*taken, strict=True)))


def _agreed(sizes: tuple[int | None, ...]) -> int | None:
    """What several sizes come to, of which those that are 1 are spread."""
    if None in sizes:
        return None
    return max(size for size in sizes if size is not None)


def _each(graph: Graph, node: Node, taken: list[Any]) -> Shape:
    return tuple(map(_agreed, zip(*taken, strict=True)))


def _same(graph: Graph, node: Node, taken: list[Any]) -> Shape:
    return taken[0]


ROWS: dict[str, Any] = {
    "conv": _convolution, "conv_transpose": _convolution, "resize": _resize, "shuffle": _shuffle, "pad": _pad,
    "cut": _pad, "pool": _pool, "concat": _concat, "each": _each,
    **dict.fromkeys(("norm", "activation", "scale", "shift", "same"), _same),
}
