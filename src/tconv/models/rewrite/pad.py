"""Zeros put around a convolution's input as its own pads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from onnx import NodeProto

from .explicit import layer_site
from .graph import Graph, attributes
from .layer import Layer, layers, sayable
from .site import ALWAYS, Pass, Site

__all__ = ["PAD", "pads_of"]


def pads_of(graph: Graph, node: NodeProto, rank: int) -> list[tuple[int, int]] | None:
    """Cells that a `Pad` puts before and after each spatial axis; None where it does something else."""
    if len(node.input) < 2 or (len(node.input) > 3 and node.input[3]):
        return None
    pads = graph.array(node.input[1])
    if pads is None or pads.shape != (2 * (rank + 2),) or (pads < 0).any():
        return None
    pairs = pads.reshape(2, -1).T.tolist()
    return [(lo, hi) for lo, hi in pairs[2:]] if not any(map(sum, pairs[:2])) else None


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "Conv"):
        before = graph.maker(layer.x)
        padded = None if before is None or graph.only(layer.x) is not node else _padded(graph, before, node, layer)
        if padded is not None and sayable(padded) and before is not None:
            yield layer_site((before, node), "pads", padded)


def _padded(graph: Graph, before: NodeProto, node: NodeProto, layer: Layer) -> Layer | None:
    zeros = before.op_type == "Pad" and not before.domain and attributes(before).get("mode", "constant") == "constant"
    if not zeros or attributes(node).get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return None
    value = graph.array(before.input[2]) if len(before.input) > 2 and before.input[2] else np.zeros(1)
    pads = pads_of(graph, before, layer.rank)
    if pads is None or value is None or np.any(value):
        return None
    axes = (replace(axis, crop=(axis.lo + lo, axis.hi + hi)) for axis, (lo, hi) in zip(layer.spec.axes, pads))
    return replace(layer, x=before.input[0], spec=replace(layer.spec, axes=tuple(axes)))


PAD = Pass("pad", "zeros put around a convolution's input become its pads", ALWAYS, _sites)
