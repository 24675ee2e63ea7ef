"""Nodes of a graph as layers: settings in our form, kernels as arrays; and layers as nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from ...conventions import CONVENTIONS, CONVOLUTIONS
from ...errors import TconvError
from ...geometry import Spec
from .graph import Graph, Part, attributes

__all__ = ["FLOATS", "ROWS", "Layer", "layers", "read", "rounded", "sayable", "write"]

Array = NDArray[Any]
ROWS = {"ConvTranspose": CONVENTIONS["onnx"], "Conv": CONVOLUTIONS["onnx"]}
FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Layer:
    """A `Conv` or a `ConvTranspose` whose kernel and bias are the same in every run.

    Args:
        op: the node's kind.
        x, y: the values that go in and come out.
        kernel: as ONNX lays it out, `(C, D / groups, *K)`: C the channels in of a `ConvTranspose`, out of a `Conv`.
        bias: one number for each channel out, or None.
        spec: the setting; a convolution's crop is its padding.
    """

    op: str
    x: str
    y: str
    kernel: Array
    bias: Array | None
    spec: Spec

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.spec.rank

    @property
    def outputs(self) -> int:
        """Channels out."""
        return int(self.kernel.shape[0] if self.op == "Conv" else self.kernel.shape[1] * self.spec.groups)

    @property
    def inputs(self) -> int:
        """Channels in."""
        return int(self.kernel.shape[1] * self.spec.groups if self.op == "Conv" else self.kernel.shape[0])

    def blocks(self) -> Array:
        """The kernel by groups, in and out in one order for both kinds: `(groups, C in, C out, *K)` per group."""
        groups, (first, second, *taps) = self.spec.groups, self.kernel.shape
        split = self.kernel.reshape(groups, first // groups, second, *taps)
        return split.swapaxes(1, 2) if self.op == "Conv" else split

    def with_blocks(self, blocks: Array, **changed: Any) -> Layer:
        """The same layer with another kernel, given as `blocks` gives it."""
        turned = blocks.swapaxes(1, 2) if self.op == "Conv" else blocks
        return replace(self, kernel=turned.reshape(-1, *turned.shape[2:]), **changed)


def read(graph: Graph, node: NodeProto, op: str | None = None) -> Layer | None:
    """A node as a layer; None where it is none, or its numbers or the sizes that its setting takes are not known.

    Args:
        graph: the node's.
        node: any.
        op: only this kind.
    """
    if node.op_type not in ROWS or node.domain or node.op_type != (op or node.op_type) or len(node.input) < 2:
        return None
    kernel, bias = graph.array(node.input[1]), _bias(graph, node)
    if kernel is None or bias is ... or kernel.ndim < 3 or kernel.dtype not in FLOATS or 0 in kernel.shape:
        return None
    try:
        said = {"kernel_shape": list(kernel.shape[2:]), **attributes(node)}
        spec = ROWS[node.op_type].read(said, _fixed(graph, node))
    except TconvError:
        return None
    if tuple(axis.kernel for axis in spec.axes) != kernel.shape[2:] or kernel.shape[0] % spec.groups:
        return None
    if _unclear(said, spec):
        return None
    layer = Layer(node.op_type, node.input[0], node.output[0], kernel, bias, spec)
    return layer if bias is None or bias.shape == (layer.outputs,) else None


def layers(graph: Graph, op: str | None = None) -> list[tuple[NodeProto, Layer]]:
    """Every layer of a graph, with its node."""
    found = ((node, read(graph, node, op)) for node in graph.nodes)
    return [(node, layer) for node, layer in found if layer is not None]


def write(part: Part, layer: Layer, output: str | None = None) -> str:
    """Add the node that a layer is; the name of its result."""
    said = ROWS[layer.op].write(layer.spec)
    said = {name: value for name, value in said.items() if name != "output_padding" or any(value)}
    inputs = [layer.x, part.number(layer.kernel, "kernel")]
    if layer.bias is not None:
        inputs.append(part.number(layer.bias, "bias"))
    return part.node(layer.op, inputs, output, **said)


def sayable(layer: Layer) -> bool:
    """Whether ONNX has words for the setting."""
    try:
        ROWS[layer.op].write(layer.spec)
    except TconvError:
        return False
    return True


def rounded(numbers: Array, like: Array) -> Array:
    """Numbers computed in float64, in the type of those that they replace."""
    with np.errstate(over="ignore"):
        return numbers.astype(like.dtype)


def _unclear(said: dict[str, Any], spec: Spec) -> bool:
    """Whether ONNX's text and ONNX Runtime read a node differently: a size beyond the full one, or growing twice."""
    sized = said.get("output_shape") or said.get("auto_pad", "NOTSET").startswith("SAME")
    more = any(said.get("output_padding", ()))
    return bool(sized) and (more or any(min(axis.crop) < 0 for axis in spec.axes))


def _bias(graph: Graph, node: NodeProto) -> Any:
    """The bias; None where there is none, `...` where there is one that is not known."""
    if len(node.input) < 3 or not node.input[2]:
        return None
    bias = graph.array(node.input[2])
    return ... if bias is None else bias


def _fixed(graph: Graph, node: NodeProto) -> Sequence[int] | None:
    """The input's spatial sizes, where all of them are known."""
    sizes = graph.sizes(node.input[0])
    spatial = None if sizes is None else sizes[2:]
    return None if not spatial or None in spatial else spatial  # type: ignore[return-value]
