"""A kernel for each channel that is a product of one axis' taps and another's, as one layer for each axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, Part
from .layer import Layer, layers, rounded, sayable, write
from .site import FASTER, Pass, Site

__all__ = ["SEPARABLE"]

Array = NDArray[Any]
ROUNDING = 2.0**-22  # a product of float32 numbers, rounded, is as close to the exact product
LEAST = 4  # taps on an axis from which it may pay


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "ConvTranspose"):
        factors = _factors(layer) if layer.kernel.dtype == np.float32 and sayable(layer) else None
        if factors is not None:
            yield Site.of(layer, (node,), {
                "last axis first": partial(_write, layer=layer, factors=factors, first=1),
                "first axis first": partial(_write, layer=layer, factors=factors, first=0)})


def _factors(layer: Layer) -> tuple[Array, Array] | None:
    """Taps of both axes, `(C, K)` each, whose products are the kernel; None where there are none."""
    alone = layer.spec.groups == layer.inputs == layer.outputs
    if layer.rank != 2 or not alone or min(layer.kernel.shape[2:]) < LEAST:
        return None
    kernel = layer.kernel[:, 0].astype(np.float64)
    found = [_pivoted(one) for one in kernel]
    rows, columns = (np.stack(each) for each in zip(*found))
    rest = np.abs(rows[:, :, None] * columns[:, None] - kernel).max((1, 2))
    return (rows, columns) if (rest <= ROUNDING * np.abs(kernel).max((1, 2))).all() else None


def _pivoted(kernel: Array) -> tuple[Array, Array]:
    """Row and column through the largest number."""
    row, column = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    largest = kernel[row, column]
    return kernel[:, column], kernel[row] / largest if largest else kernel[row]


def _write(part: Part, layer: Layer, factors: tuple[Array, Array], first: int) -> str:
    one, other = (_along(layer, axis, rounded(factors[axis], layer.kernel)) for axis in (first, 1 - first))
    middle = write(part, replace(one, bias=None))
    return write(part, replace(other, x=middle), layer.y)


def _along(layer: Layer, axis: int, taps: Array) -> Layer:
    """The layer's one axis alone."""
    still = replace(layer.spec.axes[0], kernel=1, stride=1, dilation=1, crop=(0, 0))
    axes = tuple(layer.spec.axes[axis] if place == axis else still for place in range(2))
    shape = (-1, 1, *(taps.shape[1] if place == axis else 1 for place in range(2)))
    return replace(layer, kernel=taps.reshape(shape), spec=replace(layer.spec, axes=axes))


SEPARABLE = Pass("separable", "a channel's kernel that is a product of two axes' taps becomes a layer for each axis",
                 FASTER, _sites)
