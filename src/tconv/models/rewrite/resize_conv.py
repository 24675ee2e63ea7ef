"""Cells repeated, then convolved: as one transposed convolution, or as convolutions of what was there before.

Repeating and convolving multiplies equal numbers by several taps and adds: the taps may be added first, once for all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from ...geometry import Axis, Spec
from .cells import followed, following
from .graph import Graph, Part, attributes
from .layer import Layer, layers, rounded, sayable, write
from .phases import ways
from .site import FASTER, Pass, Site

__all__ = ["RESIZE_CONV", "factors", "stamped"]

Array = NDArray[Any]
LARGEST = 64  # times that a resize may enlarge an axis: each phase has a kernel of its own
PLACES = {
    "half_pixel": lambda o, s: (o + Fraction(1, 2)) / s - Fraction(1, 2),
    "half_pixel_symmetric": lambda o, s: (o + Fraction(1, 2)) / s - Fraction(1, 2),
    "pytorch_half_pixel": lambda o, s: (o + Fraction(1, 2)) / s - Fraction(1, 2),
    "asymmetric": lambda o, s: Fraction(o, s),
    "tf_half_pixel_for_nn": lambda o, s: (o + Fraction(1, 2)) / s,
}
ROUNDINGS = {
    "round_prefer_floor": lambda at: math.ceil(at - Fraction(1, 2)),
    "round_prefer_ceil": lambda at: math.floor(at + Fraction(1, 2)),
    "floor": math.floor,
    "ceil": math.ceil,
}


def factors(graph: Graph, node: NodeProto, rank: int) -> tuple[int, ...] | None:
    """How many times a resize repeats each cell, per axis; None where it does something else."""
    said = attributes(node)
    known = node.op_type in ("Resize", "Upsample") and not node.domain and said.get("mode", "nearest") == "nearest"
    found = _ratios(graph, node) if known and not said.get("axes") and not said.get("antialias") else None
    if found is None or len(found) != rank + 2 or found[:2] != (1, 1) or max(found) > LARGEST or max(found) == 1:
        return None
    old = node.op_type == "Upsample" or graph.opset < 11
    mode = "asymmetric" if old else said.get("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else said.get("nearest_mode", "round_prefer_floor")
    return found[2:] if all(_repeats(mode, rounding, times) for times in found) else None


def _ratios(graph: Graph, node: NodeProto) -> tuple[int, ...] | None:
    """New cells for each old one on every axis, if they are whole numbers and known."""
    scales = node.input[1 if len(node.input) == 2 else 2] if len(node.input) > 1 else ""
    array = graph.array(scales) if scales else None
    if array is not None and array.size:
        return tuple(map(int, array)) if (array == np.rint(array)).all() and (array >= 1).all() else None
    before, after = graph.sizes(node.input[0]), graph.sizes(node.output[0])
    if (scales and array is None) or not before or not after or None in (*before, *after):
        return None
    pairs = [divmod(new, old) if old else (0, 1) for new, old in zip(after, before)]  # type: ignore[operator]
    return tuple(times for times, _ in pairs) if all(times and not rest for times, rest in pairs) else None


def _repeats(mode: str, rounding: str, times: int) -> bool:
    """Whether new cell `o` is old cell `o // times`, wherever it is; four old cells show it."""
    if times == 1:
        return True
    if mode not in PLACES or rounding not in ROUNDINGS:
        return False
    places = (max(ROUNDINGS[rounding](PLACES[mode](o, times)), 0) for o in range(4 * times))
    return all(place == o // times for o, place in enumerate(places))


def stamped(layer: Layer, times: tuple[int, ...]) -> Layer:
    """The transposed convolution that equals: repeat each cell `times`, then this convolution of stride 1.

    A cell becomes a block of equal cells, and a block under the flipped kernel is a stamp: the kernel spread by its
    dilation, convolved with ones.
    """
    blocks = np.flip(layer.blocks().astype(np.float64), tuple(range(3, 3 + layer.rank)))
    axes = []
    for place, (axis, repeat) in enumerate(zip(layer.spec.axes, times)):
        blocks = _spread(blocks, place + 3, axis.dilation, repeat)
        size = axis.reach + repeat - 1
        axes.append(Axis(size, repeat, 1, (axis.reach - 1 - axis.lo, axis.reach - 1 - axis.hi)))
    spec = Spec(tuple(axes), layer.spec.groups)
    return replace(layer, op="ConvTranspose").with_blocks(rounded(blocks, layer.kernel), spec=spec)


def _spread(blocks: Array, axis: int, dilation: int, repeat: int) -> Array:
    """One axis with `dilation - 1` zeros between its taps, under a sliding sum of `repeat` samples."""
    taps = blocks.shape[axis]
    size = (taps - 1) * dilation + repeat
    out = np.zeros((*blocks.shape[:axis], size, *blocks.shape[axis + 1 :]))
    before = (slice(None),) * axis
    for shift in range(repeat):
        out[(*before, slice(shift, shift + (taps - 1) * dilation + 1, dilation))] += blocks
    return out


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "Conv"):
        before = graph.maker(layer.x)
        plain = all(axis.stride == 1 for axis in layer.spec.axes)
        times = factors(graph, before, layer.rank) if before is not None and plain else None
        if times is None or before is None or graph.only(layer.x) is not node:
            continue
        follow = following(graph, layer.y)
        whole = replace(stamped(layer, times), x=before.input[0], y=follow[-1].output[0] if follow else layer.y)
        one = {"one transposed convolution": partial(_transposed, layer=whole, follow=follow)}
        yield Site.of(whole, (before, node, *follow), {**(one if sayable(whole) else {}), **ways(whole, follow)})


def _transposed(part: Part, layer: Layer, follow: Sequence[NodeProto]) -> str:
    return followed(part, write(part, layer), follow, layer.y)


RESIZE_CONV = Pass("resize-conv", "nearest resizing and the convolution behind it become one step at the smaller size",
                   FASTER, _sites, 11)
