"""What is multiplied and added behind a layer, channel by channel, as part of its kernel and bias."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from .explicit import layer_site
from .graph import Graph, attributes
from .layer import Layer, read, rounded, sayable
from .site import ALWAYS, Pass, Site

__all__ = ["BATCH_NORM", "BIAS", "SCALE"]

Array = NDArray[Any]


class Affine(NamedTuple):
    """Per channel, in float64: what a value is multiplied by, and what is added then."""

    scale: Array
    shift: Array


Reader = Callable[[Graph, NodeProto, Layer], Affine | None]


def _batch_norm(graph: Graph, node: NodeProto, layer: Layer) -> Affine | None:
    said, arrays = attributes(node), [graph.array(name) for name in node.input[1:5]]
    trains = said.get("training_mode", 0) or any(node.output[1:]) or not said.get("spatial", 1) or graph.opset < 7
    if trains or len(arrays) != 4 or any(one is None or one.shape != (layer.outputs,) for one in arrays):
        return None
    gamma, beta, mean, variance = (one.astype(np.float64) for one in arrays if one is not None)
    with np.errstate(all="ignore"):
        scale = gamma / np.sqrt(variance + said.get("epsilon", 1e-5))
        return Affine(scale, beta - mean * scale)


def _scale(graph: Graph, node: NodeProto, layer: Layer) -> Affine | None:
    constant = _per_channel(graph, node, layer)
    if constant is None or (node.op_type == "Div" and node.input[0] != layer.y):
        return None
    with np.errstate(all="ignore"):
        return Affine(1 / constant if node.op_type == "Div" else constant, np.zeros(layer.outputs))


def _shift(graph: Graph, node: NodeProto, layer: Layer) -> Affine | None:
    constant = _per_channel(graph, node, layer)
    if constant is None:
        return None
    if node.op_type == "Sub" and node.input[0] != layer.y:
        return Affine(-np.ones(layer.outputs), constant)
    return Affine(np.ones(layer.outputs), -constant if node.op_type == "Sub" else constant)


def _per_channel(graph: Graph, node: NodeProto, layer: Layer) -> Array | None:
    """The other operand, if it is a constant with one number for each channel, or one for all."""
    others = [name for name in node.input if name != layer.y]
    array = graph.array(others[0]) if len(others) == 1 and len(node.input) == 2 else None
    if array is None or array.dtype != layer.kernel.dtype or array.ndim > layer.rank + 2:
        return None
    shape = (1,) * (layer.rank + 2 - array.ndim) + array.shape
    if array.size not in (1, layer.outputs) or shape[1] != array.size:
        return None if array.size != 1 else np.full(layer.outputs, array.reshape(()), np.float64)
    return np.broadcast_to(array.reshape(-1).astype(np.float64), (layer.outputs,))


def _folded(layer: Layer, by: Affine, y: str) -> Layer | None:
    """The layer with what follows inside; None where that has no finite numbers."""
    outs = layer.blocks().shape[2]
    scale = by.scale.reshape(layer.spec.groups, 1, outs, *(1,) * layer.rank)
    bias = by.shift + (0 if layer.bias is None else layer.bias * by.scale)
    done = layer.with_blocks(rounded(layer.blocks() * scale, layer.kernel), y=y,
                             bias=rounded(bias, layer.kernel) if layer.bias is not None or bias.any() else None)
    finite = np.isfinite(done.kernel).all() and (done.bias is None or np.isfinite(done.bias).all())
    return done if finite else None


def _sites(operators: tuple[str, ...], reader: Reader) -> Callable[[Graph], Iterator[Site]]:
    def sites(graph: Graph) -> Iterator[Site]:
        for after in graph.nodes:
            if after.op_type not in operators or after.domain:
                continue
            for value in after.input[:2]:
                node = graph.maker(value)
                layer = read(graph, node) if node is not None and graph.only(value) is after else None
                by = reader(graph, after, layer) if layer is not None and sayable(layer) else None
                folded = None if by is None or layer is None else _folded(layer, by, after.output[0])
                if folded is not None and node is not None:
                    yield layer_site((node, after), "folded", folded)

    return sites


BATCH_NORM = Pass("batch-norm", "a batch normalisation becomes part of the kernel before it", ALWAYS,
                  _sites(("BatchNormalization",), _batch_norm))
SCALE = Pass("scale", "a factor for each channel becomes part of the kernel before it", ALWAYS,
             _sites(("Mul", "Div"), _scale))
BIAS = Pass("bias", "what is added to each channel becomes the bias", ALWAYS, _sites(("Add", "Sub"), _shift))
