"""A transposed convolution as convolutions of its input, one for each phase of the stride, dealt out to their places.

Along an axis, sample `o` of the result is at `o + lo = q * stride + r` of the full result, and tap `t` brings there
what the input holds at `q - t * dilation // stride`, for the taps with `t * dilation % stride == r`. So all that
differs between phases is the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from ...geometry import Axis, Spec
from .cells import followed, following
from .deal import DEALS, Deal, trimmed
from .graph import Graph, Part
from .layer import Layer, layers, write
from .site import FASTER, Pass, Site

__all__ = ["BLOCKS", "PHASES", "Plan", "apart", "joined", "ways"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """Along one axis: one convolution of the input, whose every sample becomes `stride` samples of the result.

    Args:
        taps: for each tap of the convolution and each phase, the tap of the transposed one, or None.
        pads: zeros before and after the input.
        trim: samples to be cut off the result's ends.
    """

    taps: tuple[tuple[int | None, ...], ...]
    pads: tuple[int, int]
    trim: tuple[int, int]


def _joined(axis: Axis) -> Plan:
    """Every phase from the same window of the input; the result's ends may have to be trimmed."""
    last = (axis.reach - 1) // axis.stride
    first, end = axis.lo // axis.stride, (axis.reach - 1 - axis.hi) // axis.stride
    grid: list[list[int | None]] = [[None] * axis.stride for _ in range(last + 1)]
    for tap in range(axis.kernel):
        back, phase = divmod(tap * axis.dilation, axis.stride)
        grid[last - back][phase] = tap
    trim = axis.lo - first * axis.stride, end * axis.stride + axis.stride - axis.reach + axis.hi
    return Plan(tuple(map(tuple, grid)), (last - first, end), trim)


def _apart(axis: Axis) -> list[Plan]:
    """One plan for each phase of the result, with the window that this phase needs."""
    more = axis.reach - axis.stride - axis.lo - axis.hi  # samples beyond `stride` for each one of the input
    count = -(-more // axis.stride)
    found = []
    for phase in range(axis.stride):
        base, rest = divmod(phase + axis.lo, axis.stride)
        backs = {tap * axis.dilation // axis.stride: tap for tap in range(axis.kernel)
                 if tap * axis.dilation % axis.stride == rest}
        if not backs:
            return []
        window = range(max(backs), min(backs) - 1, -1)
        pads = max(backs) - base, count + base - min(backs)
        found.append(Plan(tuple((backs.get(back),) for back in window), pads, (0, count * axis.stride - more)))
    return found


def joined(part: Part, layer: Layer, follow: Sequence[NodeProto], deal: Deal) -> str:
    """One convolution with all phases among its channels, which are then dealt out."""
    plans = [_joined(axis) for axis in layer.spec.axes]
    strides = tuple(axis.stride for axis in layer.spec.axes)
    picked, rank = _picked(layer.blocks(), plans), layer.rank
    groups, ins, outs, *taps = picked.shape[: 3 + rank]
    order = (0, 1, 2, *range(3 + rank, 3 + 2 * rank), *range(3, 3 + rank))
    blocks = picked.transpose(order).reshape(groups, ins, outs * math.prod(strides), *taps)
    bias = None if layer.bias is None else np.repeat(layer.bias, math.prod(strides))
    value = followed(part, write(part, _convolution(layer, blocks, bias, plans)), follow)
    return trimmed(part, deal(part, value, layer.outputs, strides, "CRD"), [plan.trim for plan in plans], layer.y)


def apart(part: Part, layer: Layer, follow: Sequence[NodeProto], deal: Deal) -> str:
    """A convolution for each phase, with no more taps than it has, laid together and dealt out."""
    axes = [_apart(axis) for axis in layer.spec.axes]
    strides = tuple(axis.stride for axis in layer.spec.axes)
    values = []
    for plans in product(*axes):
        blocks = _picked(layer.blocks(), plans).reshape(*layer.blocks().shape[:3], *(len(plan.taps) for plan in plans))
        values.append(followed(part, write(part, _convolution(layer, blocks, layer.bias, plans)), follow))
    value = part.node("Concat", values, axis=1)
    trim = [plans[0].trim for plans in axes]
    return trimmed(part, deal(part, value, layer.outputs, strides, "DCR"), trim, layer.y)


def ways(layer: Layer, follow: Sequence[NodeProto]) -> dict[str, Any]:
    """The ways that can be said: no pads may be negative, and a phase without taps needs no convolution of its own.

    Args:
        layer: a `ConvTranspose`, whose result is what comes out of the last of `follow`.
        follow: nodes behind it that treat each cell alone: there are fewer numbers to move after them, not before.
    """
    found: dict[str, Any] = {}
    strides = tuple(axis.stride for axis in layer.spec.axes)
    plans = [_apart(axis) for axis in layer.spec.axes]
    one = all(min(_joined(axis).pads) >= 0 for axis in layer.spec.axes)
    few = 1 < math.prod(map(len, plans)) <= MOST_PHASES and all(min(plan.pads) >= 0 for axis in plans for plan in axis)
    for name, (deal, fits) in DEALS.items():
        if one and fits(strides):
            found[f"one convolution, {name}"] = partial(joined, layer=layer, follow=follow, deal=deal)
        if few and fits(strides):
            found[f"a convolution for each phase, {name}"] = partial(apart, layer=layer, follow=follow, deal=deal)
    return found


MOST_PHASES = 16  # each is a node and a kernel of its own


def _picked(blocks: Array, plans: Sequence[Plan]) -> Array:
    """The taps that plans name, zeros where they name none: `(groups, C in, C out, *taps, *phases)`."""
    padded = np.pad(blocks, [(0, 0)] * 3 + [(0, 1)] * len(plans))
    rank = len(plans)
    index = []
    for place, plan in enumerate(plans):
        shape = [1] * (2 * rank)
        shape[place], shape[rank + place] = len(plan.taps), len(plan.taps[0])
        taps = [-1 if tap is None else tap for row in plan.taps for tap in row]
        index.append(np.array(taps).reshape(shape))
    return padded[(slice(None),) * 3 + tuple(index)]


def _convolution(layer: Layer, blocks: Array, bias: Array | None, plans: Sequence[Plan]) -> Layer:
    axes = tuple(Axis(len(plan.taps), crop=plan.pads) for plan in plans)
    whole = replace(layer, op="Conv", bias=bias, spec=Spec(axes, layer.spec.groups))
    return whole.with_blocks(blocks)


def _sites(graph: Graph, blocks: bool) -> Iterator[Site]:
    for node, layer in layers(graph, "ConvTranspose"):
        alone = all(axis.reach <= axis.stride for axis in layer.spec.axes)
        if alone == blocks and any(axis.stride > 1 for axis in layer.spec.axes):
            follow = following(graph, layer.y)
            whole = replace(layer, y=follow[-1].output[0] if follow else layer.y)
            found = ways(whole, follow)
            if found:
                yield Site.of(whole, (node, *follow), found)


BLOCKS = Pass("blocks", "a kernel no larger than the stride becomes a 1x1 convolution and depth-to-space", FASTER,
              partial(_sites, blocks=True), 11)
PHASES = Pass("phases", "a transposed convolution becomes a convolution for each phase of the stride", FASTER,
              partial(_sites, blocks=False), 11)
