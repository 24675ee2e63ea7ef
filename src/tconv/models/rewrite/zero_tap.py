"""Pads that differ between the ends made equal by zero taps, for runtimes that have a fast path for equal pads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...conventions import leading_zero_tap
from ...errors import TconvError
from .explicit import layer_site
from .graph import Graph, attributes
from .layer import Layer, layers
from .site import ASKED, Pass, Site

__all__ = ["ZERO_TAP"]


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "ConvTranspose"):
        uneven = any(axis.lo != axis.hi or axis.lo < 0 for axis in layer.spec.axes)
        even = _even(layer) if uneven or any(attributes(node).get("output_padding", ())) else None
        if even is not None:
            yield layer_site((node,), "zero taps", even)


def _even(layer: Layer) -> Layer | None:
    canonical = np.moveaxis(layer.kernel, (0, 1), (-1, -2))
    try:
        kernel, spec = leading_zero_tap(canonical, layer.spec)
    except TconvError:
        return None
    return replace(layer, kernel=np.moveaxis(kernel, (-1, -2), (0, 1)), spec=spec)


ZERO_TAP = Pass("zero-tap", "pads become the same at both ends, by zero taps around the kernel", ASKED, _sites)
