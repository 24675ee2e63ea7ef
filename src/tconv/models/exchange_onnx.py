"""A transposed convolution of an ONNX model replaced by a resize or a pixel shuffle with a convolution."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx

from ..errors import UnsupportedError
from ..geometry import Axis, Spec
from ..resize import transposed_as_resize_conv
from .rewrite.deal import trimmed
from .rewrite.graph import Graph, Part, inferred
from .rewrite.layer import ROWS, Layer, read, rounded, write
from .rewrite.phases import ways

__all__ = ["exchanged"]

OPSET = 11  # the first whose Resize says where the cells come from


def exchanged(model: onnx.ModelProto, node: onnx.NodeProto, where: str, kind: str,
              ) -> tuple[onnx.ModelProto, float, float]:
    """A model with other layers in a node's place, what they leave out of its kernel, and their cost over its.

    Raises:
        UnsupportedError: if the model's operators are too old, the node cannot be read, or has no such counterpart.
        SettingError: if the kernel is dilated or smaller than the stride, and a resize is wanted.
    """
    graph = Graph(model, inferred(model))
    if graph.opset < OPSET:
        raise UnsupportedError(f"repair: the model's operators are of version {graph.opset}, and {kind!r} takes "
                               f"{OPSET}; export it again, or convert it with onnx.version_converter.")
    mine = next(one for one in graph.nodes if one.output[0] == node.output[0])
    layer = read(graph, mine)
    if layer is None:
        raise UnsupportedError(f"repair: the layer {where!r} cannot be read whole: its kernel, its bias, or a size "
                               "that its setting needs is computed; tconv optimize may make it explicit.")
    part = graph.part(where)
    rest, cost = WRITERS[kind](part, layer, where)
    graph.replace([mine], part)
    return graph.to_model(), rest, cost


def _subpixel(part: Part, layer: Layer, where: str) -> tuple[float, float]:
    found = ways(layer, ())
    way = next((name for name in found if name.startswith("one convolution")), None)
    if way is None:
        raise UnsupportedError(f"repair: the layer {where!r} crops more than its kernel reaches, which no single "
                               "convolution says; replace it by resize, or leave it.")
    found[way](part)
    taps = math.prod(-(-axis.reach // axis.stride) * axis.stride for axis in layer.spec.axes)
    return 0.0, taps / _taps(layer)


def _resize(part: Part, layer: Layer, where: str) -> tuple[float, float]:
    pair = transposed_as_resize_conv(ROWS["ConvTranspose"].kernel_from(layer.kernel.astype(float), {}), layer.spec)
    scales = part.number(np.array([1, 1, *pair.factor], np.float32), "scales")
    large = part.node("Resize", [layer.x, "", scales], mode="nearest", nearest_mode="floor",
                      coordinate_transformation_mode="asymmetric")
    axes = tuple(Axis(axis.kernel, crop=(max(axis.lo, 0), max(axis.hi, 0))) for axis in pair.spec.axes)
    kernel = rounded(ROWS["Conv"].kernel_to(pair.kernel, {}), layer.kernel)
    small = replace(layer, op="Conv", x=large, kernel=kernel, spec=Spec(axes, layer.spec.groups))
    # Fewer zeros than none: what they would have made is cut off.
    trimmed(part, write(part, small), [(max(-axis.lo, 0), max(-axis.hi, 0)) for axis in pair.spec.axes], layer.y)
    cells = math.prod(axis.kernel * times for axis, times in zip(pair.spec.axes, pair.factor, strict=True))
    return pair.rest, cells / _taps(layer)


def _taps(layer: Layer) -> int:
    return math.prod(axis.kernel for axis in layer.spec.axes)


WRITERS: dict[str, Callable[[Part, Layer, str], tuple[float, float]]] = {"subpixel": _subpixel, "resize": _resize}
