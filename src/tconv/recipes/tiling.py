"""Pictures of any size through a network of bounded memory: tile by tile, with no seam between.

From each tile of the output one goes back, layer by layer, to the cells of the input that it depends on. A network that
sees these cells gives that tile as it would give it in the whole, to the bit if its sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from ..errors import SettingError, UnsupportedError
from ..methods.channels import Array
from .problems import convolution, problem_of, settled

__all__ = ["Reach", "Tile", "tiled"]

TILE = 256
Span = tuple[int, int]  # the first cell and the last
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of an axis: these cells of the output, and the cells of the input that give them."""

    output: slice
    input: slice
    within: slice  # of what the network makes of that input


@dataclass(frozen=True)
class Reach:
    """What each cell of a model's output sees of an input of this shape.

    Args:
        model: sequential or functional, of one input and one output.
        shape: of the input without the batch, `(*I, C)`.
    """

    model: Any
    shape: Shape

    @cached_property
    def nodes(self) -> list[Any]:
        """Each use of a layer, the last one first."""
        model = settled(self.model, self.shape)
        model = getattr(model, "_functional", None) or model
        return [node for depth in sorted(model._nodes_by_depth) for node in model._nodes_by_depth[depth]]

    @cached_property
    def output(self) -> Any:
        """The symbolic output."""
        return self.nodes[0].outputs[0]

    @cached_property
    def rates(self) -> dict[int, Fraction]:
        """By symbolic value, how many of its cells go to one of the input."""
        rates: dict[int, Fraction] = {}
        for node in reversed(self.nodes):
            before = rates[id(node.input_tensors[0])] if node.input_tensors else Fraction(1)
            rates[id(node.outputs[0])] = before * _row(node.operation).rate(node.operation)
        return rates

    @cached_property
    def period(self) -> int:
        """A window that begins at a multiple of this, and is longer than one by as much as the whole, falls like it."""
        return math.lcm(*(rate.denominator for rate in self.rates.values()))

    def seen(self, cells: Span, axis: int) -> Span:
        """The first and the last cell of the input that these cells of the output depend on, without ends."""
        spans = {id(self.output): cells}
        for node in self.nodes:
            if not node.input_tensors:
                return spans[id(node.outputs[0])]
            back = _row(node.operation).back(node, spans[id(node.outputs[0])], axis)
            for value, span in zip(node.input_tensors, back, strict=False):
                known = spans.get(id(value), span)
                spans[id(value)] = (min(known[0], span[0]), max(known[1], span[1]))
        raise AssertionError("a model has an input")

    def tiles(self, axis: int, size: int) -> Iterator[Tile]:
        """The output's axis in pieces, for each the input that it takes, no larger than has to be.

        Args:
            axis: spatial, from 0.
            size: cells of the input a piece stands for, about.
        """
        rate, period, whole = self.rates[id(self.output)], self.period, self.shape[axis]
        step = max(1, round(max(size, period) / period)) * period
        length = self.output.shape[1 + axis]
        for at in range(0, length, int(step * rate)):
            end = min(at + int(step * rate), length)
            first, last = self.seen((at, end - 1), axis)
            start = max(0, first // period * period)
            # As many cells after the last whole period as the whole has, so that 'same' pads as it does there.
            stop = last + 1 + (whole - last - 1) % period if last < whole else whole
            moved = int(start * rate)
            yield Tile(slice(at, end), slice(start, min(stop, whole)), slice(at - moved, end - moved))


def tiled(model: Any, image: Array, *, tile: int = TILE, run: Callable[[Array], Array] | None = None) -> Array:
    """What a network makes of a large picture, tile by tile; equal to what it makes of the whole.

    Args:
        model: Keras, sequential or functional, of layers that look no further than they reach.
        image: one picture as the model takes it, `(*I, C)`.
        tile: cells of the picture along each axis of a tile, about; what a tile sees around it comes on top.
        run: called with each window `(1, *i, C)` in the model's place.

    Returns:
        `(*O, D)`, of the type that the model gives.

    Raises:
        UnsupportedError: if a layer sees all of the picture, or is not known.
    """
    if tile < 1:
        raise SettingError(f"tiled: tile is {tile}, but has to be a whole number >= 1.")
    run = run or model.predict_on_batch
    if max(image.shape[:-1]) <= tile:
        return _array(run(image[None]))[0]
    reach = Reach(model, tuple(image.shape))
    whole: Array | None = None
    for piece in product(*(list(reach.tiles(axis, tile)) for axis in range(image.ndim - 1))):
        made = _array(run(image[tuple(one.input for one in piece)][None]))[0]
        whole = np.empty(tuple(reach.output.shape[1:]), made.dtype) if whole is None else whole
        whole[tuple(one.output for one in piece)] = made[tuple(one.within for one in piece)]
    assert whole is not None
    return whole


def _array(values: Any) -> Array:
    import keras

    return keras.ops.convert_to_numpy(values)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Row:
    """A kind of layer: its output cells for each input cell, and the inputs' spans that an output's span sees."""

    rate: Callable[[Any], Fraction]
    back: Callable[[Any, Span, int], list[Span]]


def _row(layer: Any) -> _Row:
    found = next((ROWS[base.__name__] for base in type(layer).__mro__ if base.__name__ in ROWS), None)
    if found is None:
        raise UnsupportedError(f"tiled: {type(layer).__name__} {layer.name!r} is not known to look at a neighbourhood "
                               "only; give the picture whole, or in smaller ones.")
    return found


def _cell_by_cell(node: Any, span: Span, axis: int) -> list[Span]:
    return [span] * len(node.input_tensors)


def _sizes(value: Any) -> Shape:
    return tuple(value.shape[1:])


def _met(node: Any, axis: int) -> Any:
    layer = convolution(node.operation)
    taken, given = _sizes(node.input_tensors[0]), _sizes(node.outputs[0])
    if hasattr(node.operation, "interpolation"):  # it convolves on the finer grid
        taken = (*given[:-1], taken[-1])
    problem = problem_of(layer, taken, given)
    assert problem is not None
    return problem.axes[axis]


def _gathered(node: Any, span: Span, axis: int) -> list[Span]:
    """Coarse to fine cells, for what collects."""
    met = _met(node, axis)
    return [(span[0] * met.stride - met.lo, span[1] * met.stride - met.lo + met.reach - 1)]


def _stamped(node: Any, span: Span, axis: int) -> list[Span]:
    """Fine to coarse cells, for what stamps."""
    met = _met(node, axis)
    return [(-((met.reach - 1 - met.lo - span[0]) // met.stride), (span[1] + met.lo) // met.stride)]


def _factor(layer: Any) -> int:
    size = layer.size
    return int(size[0] if isinstance(size, tuple | list) else size)


def _repeated(layer: Any, span: Span) -> Span:
    """Cells of an enlarged map to cells of the map, with those beside them that smooth ways take as well."""
    more = 0 if layer.interpolation == "nearest" else 3
    return span[0] // _factor(layer) - more, span[1] // _factor(layer) + more


def _resized_then(node: Any, span: Span, axis: int) -> list[Span]:
    return [_repeated(node.operation, _gathered(node, span, axis)[0])]


def _then_shuffled(node: Any, span: Span, axis: int) -> list[Span]:
    factor = _factor(node.operation)
    return _gathered(node, (span[0] // factor, span[1] // factor), axis)


def _pooled(node: Any, span: Span, axis: int) -> list[Span]:
    layer = node.operation
    size, stride = layer.pool_size[axis], layer.strides[axis]
    whole = _sizes(node.input_tensors[0])[axis]
    beyond = max((-(-whole // stride) - 1) * stride + size - whole, 0) if layer.padding == "same" else 0
    first = span[0] * stride - beyond // 2
    return [(first, span[1] * stride - beyond // 2 + size - 1)]


def _one(_: Any) -> Fraction:
    return Fraction(1)


def _coarser(layer: Any) -> Fraction:
    return Fraction(1, layer.strides[0])


def _finer(layer: Any) -> Fraction:
    return Fraction(layer.strides[0])


def _larger(layer: Any) -> Fraction:
    return Fraction(_factor(layer))


_CELLS = _Row(_one, _cell_by_cell)
ROWS = {
    "BaseConv": _Row(_coarser, _gathered),
    "BaseConvTranspose": _Row(_finer, _stamped),
    "BasePooling": _Row(_coarser, _pooled),
    "ResizeConv": _Row(_larger, _resized_then),
    "SubpixelConv": _Row(_larger, _then_shuffled),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D", "UpSampling3D"),
                    _Row(_larger, lambda node, span, axis: [_repeated(node.operation, span)])),
    "CropLike": _Row(_one, lambda node, span, axis: [span]),
    **dict.fromkeys(("InputLayer", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "BatchNormalization",
                     "Dropout", "SpatialDropout2D", "GaussianNoise", "Rescaling", "Add", "Subtract", "Multiply",
                     "Average", "Maximum", "Concatenate", "Identity", "Nested"), _CELLS),
}
