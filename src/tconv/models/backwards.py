"""What a convnet's operations do to numbers, and what a deconvnet does behind each of them (Zeiler and Fergus, 2014).

Numbers are channels-last here, whatever the model's own order is: `(1, *I, C)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import UnsupportedError
from ..geometry import Spec
from ..methods.activations import ACTIVATIONS
from ..operations import conv, conv_transpose
from .graph import Array, Graph, Node

__all__ = ["Step", "step"]

Back = Callable[[Array], tuple[Array, ...]]


class Step(NamedTuple):
    """One operation's result, and the way back: from a signal at it to signals at what it took."""

    result: Array
    back: Back


def step(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    """One operation done.

    Raises:
        UnsupportedError: if it has no way back here.
    """
    if node.op not in ROWS:
        raise _no_way_back(node)
    return ROWS[node.op](node, taken, graph)


def _no_way_back(node: Node) -> UnsupportedError:
    return UnsupportedError(f"deconvnet: {node.where!r} ({node.says}) has no way back here; take a layer before it.")


def _settings(spec: Spec) -> dict[str, Any]:
    return {"stride": [axis.stride for axis in spec.axes], "dilation": [axis.dilation for axis in spec.axes],
            "crop": [axis.crop for axis in spec.axes], "groups": spec.groups}


def _convolution(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    """The same kernel, the other way round; a bias belongs to the way there alone."""
    (x,), grid = taken, taken[0].shape[1:-1]
    if node.data.kernel is None:
        raise _no_way_back(node)
    kernel, bias = node.data.kernel.value, None if node.data.bias is None else node.data.bias.value
    said = _settings(node.data.read(grid))
    if node.op == "conv_transpose":
        return Step(conv_transpose(x, kernel, bias, **said),
                    lambda signal: (_sized(conv(signal, kernel, **said), grid),))
    return Step(conv(x, kernel, bias, **said),
                lambda signal: (conv_transpose(signal, kernel, output_size=grid, **said),))


def _sized(x: Array, grid: tuple[int, ...]) -> Array:
    """Cut to a grid, where a padded end gave a cell more."""
    return x[(slice(None), *map(slice, grid))]


SLOPES: dict[str, Callable[[Array], Array]] = {
    "tanh": lambda result: 1 - result**2, "sigmoid": lambda result: result * (1 - result)}


def _activation(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    """A rectifier rectifies on the way back, too; other activations pass a signal on by their slope."""
    (x,) = taken
    if node.data == "relu":
        return Step(np.maximum(x, 0), lambda signal: (np.maximum(signal, 0),))
    if node.data not in SLOPES:
        raise _no_way_back(node)
    result = ACTIVATIONS[node.data](x, 0.0)
    return Step(result, lambda signal: (signal * SLOPES[node.data](result),))


def _norm(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    norm = node.data
    if not norm.folds:
        raise _no_way_back(node)
    return Step(taken[0] * norm.scale + norm.shift, lambda signal: (signal * norm.scale,))


def _pool(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    """Maxima go back to where they stood; a mean goes back to all cells alike."""
    (x,) = taken
    spec = node.data(x.shape[1:-1])
    windows, places = _windows(x, spec)
    channel = np.broadcast_to(np.arange(x.shape[-1]), (*windows.shape[1:-2], 1, x.shape[-1]))[None]
    if "max" in node.says.lower():
        best = windows.argmax(-2)[..., None, :]
        result, there = np.take_along_axis(windows, best, -2)[..., 0, :], np.take_along_axis(places, best, -2)
        return Step(result, lambda signal: (_laid(signal[..., None, :], there, channel, x.shape),))
    inside = np.isfinite(windows)
    share = inside / (inside.sum(-2, keepdims=True) if "Average" in node.says else windows.shape[-2])
    result = (np.where(inside, windows, 0) * share).sum(-2)
    return Step(result, lambda signal: (_laid(signal[..., None, :] * share, places, channel, x.shape),))


def _windows(x: Array, spec: Spec) -> tuple[Array, Array]:
    """The cells of each window and their places `(1, *O, taps, C)`; beyond the edges minus infinity, and place 0."""
    grid = x.shape[1:-1]
    rows = [np.arange(axis.coarse(size))[:, None] * axis.stride + np.arange(axis.kernel) * axis.dilation - axis.lo
            for axis, size in zip(spec.axes, grid, strict=True)]
    rank, place, valid = len(grid), np.zeros((1,) * (2 * len(grid)), int), np.ones((1,) * (2 * len(grid)), bool)
    for number, (row, size) in enumerate(zip(rows, grid, strict=True)):
        shape = [1] * (2 * rank)
        shape[number], shape[rank + number] = row.shape
        place = place * size + row.reshape(shape)
        valid = valid & ((row >= 0) & (row < size)).reshape(shape)
    place = np.where(valid, place, 0).reshape(*place.shape[:rank], -1)
    cells = x.reshape(1, -1, x.shape[-1])[:, place]
    outside = ~np.broadcast_to(valid, valid.shape).reshape(place.shape)
    return np.where(outside[None, ..., None], -np.inf, cells), np.broadcast_to(place[None, ..., None], cells.shape)


def _laid(signal: Array, places: Array, channel: Array, shape: tuple[int, ...]) -> Array:
    """Signals put at their places on a ground of zeros; those at one place add up."""
    ground = np.zeros((int(np.prod(shape[:-1])), shape[-1]), signal.dtype)
    np.add.at(ground, (places, np.broadcast_to(channel, places.shape)), signal)
    return ground.reshape(shape)


def _pad(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    if node.op == "pad" and node.data.mode != "constant":
        raise _no_way_back(node)
    pairs = node.data.pairs
    return Step(_grown(taken[0], pairs), lambda signal: (_grown(signal, tuple((-lo, -hi) for lo, hi in pairs)),))


def _grown(x: Array, pairs: tuple[tuple[int, int], ...]) -> Array:
    cut = tuple(slice(max(-lo, 0), size - max(-hi, 0)) for size, (lo, hi) in zip(x.shape[1:-1], pairs, strict=True))
    more = [(0, 0), *((max(lo, 0), max(hi, 0)) for lo, hi in pairs), (0, 0)]
    return np.pad(x[(slice(None), *cut)], more)


def _concat(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    axis = node.data % taken[0].ndim
    if axis != (taken[0].ndim - 1 if graph.last else 1):
        raise _no_way_back(node)
    ends = np.cumsum([array.shape[-1] for array in taken])[:-1]
    return Step(np.concatenate(taken, -1), lambda signal: tuple(np.split(signal, ends, -1)))


def _each(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    if node.says.lower() not in ("add", "iadd", "add_") or len(taken) != 2 or taken[0].shape != taken[1].shape:
        raise _no_way_back(node)
    return Step(taken[0] + taken[1], lambda signal: (signal, signal))


def _resize(node: Node, taken: tuple[Array, ...], graph: Graph) -> Step:
    (x,), factor = taken, node.data.factor
    if node.data.interpolation != "nearest" or factor is None or any(f != int(f) or f < 1 for f in factor):
        raise _no_way_back(node)

    def back(signal: Array) -> tuple[Array, ...]:
        for axis, times in enumerate(map(int, factor), 1):
            split = (*signal.shape[:axis], -1, times, *signal.shape[axis + 1:])
            signal = signal.reshape(split).sum(axis + 1)
        return (signal,)

    result = x
    for axis, times in enumerate(map(int, factor), 1):
        result = result.repeat(times, axis)
    return Step(result, back)


ROWS: dict[str, Callable[[Node, tuple[Array, ...], Graph], Step]] = {
    "conv": _convolution, "conv_transpose": _convolution, "activation": _activation, "norm": _norm, "pool": _pool,
    "pad": _pad, "cut": _pad, "concat": _concat, "each": _each, "resize": _resize,
    "scale": lambda node, taken, graph: Step(taken[0] * node.data, lambda signal: (signal * node.data,)),
    "shift": lambda node, taken, graph: Step(taken[0] + node.data, lambda signal: (signal,)),
    "same": lambda node, taken, graph: Step(taken[0], lambda signal: (signal,)),
}
"""What each operation does, by its name in our words."""
