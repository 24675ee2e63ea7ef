"""A slice behind a transposed convolution as a larger crop: what is cut off is not computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from onnx import NodeProto

from ...geometry import Axis
from .explicit import layer_site
from .graph import Graph
from .layer import Layer, layers, sayable
from .site import ALWAYS, Pass, Site

__all__ = ["CROP"]

FAR = 2**31 - 1  # an end beyond every size: exporters say "to the end" so


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "ConvTranspose"):
        after = graph.only(layer.y)
        cropped = None if after is None or after.op_type != "Slice" or after.domain else _cropped(graph, after, layer)
        if cropped is not None and sayable(cropped) and after is not None:
            yield layer_site((node, after), "cropped", cropped)


def _cropped(graph: Graph, node: NodeProto, layer: Layer) -> Layer | None:
    if len(node.input) < 4 or node.input[0] != layer.y:
        return None
    starts, ends, axes = (graph.array(name) for name in node.input[1:4])
    steps = graph.array(node.input[4]) if len(node.input) > 4 and node.input[4] else 1
    if starts is None or ends is None or axes is None or steps is None or (steps != 1 if isinstance(steps, int) else
                                                                          (steps != 1).any()):
        return None
    sizes, spec = graph.sizes(layer.y) or (), list(layer.spec.axes)
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        place = axis - 2 if axis >= 0 else axis + layer.rank
        size = sizes[place + 2] if 0 <= place < len(sizes) - 2 else None
        cut = _cut(start, end, size)
        if cut is None or not 0 <= place < layer.rank:
            return None
        spec[place] = _more(spec[place], cut)
    return replace(layer, y=node.output[0], spec=replace(layer.spec, axes=tuple(spec)))


def _cut(start: int, end: int, size: int | None) -> tuple[int, int] | None:
    """How many samples are cut off at each end; None where that depends on a size that is not known."""
    if size is not None:
        start, end = (max(at + size, 0) if at < 0 else min(at, size) for at in (start, end))
        return (start, size - end) if start < end else None
    if start < 0 or 0 <= end < FAR:
        return None
    return start, -end if end < 0 else 0


def _more(axis: Axis, cut: tuple[int, int]) -> Axis:
    return replace(axis, crop=(axis.lo + cut[0], axis.hi + cut[1]))


CROP = Pass("crop", "a slice behind a transposed convolution becomes a larger pad", ALWAYS, _sites)
