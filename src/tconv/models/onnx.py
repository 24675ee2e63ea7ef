"""ONNX files and models: every operation in our words, sizes inferred, weights beside the file only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ..conventions import CONVENTIONS, CONVOLUTIONS
from ..errors import TconvError
from .chains import Pad, Shuffle, layers
from .facts import ModelFacts, Norm, Resize
from .graph import MALFORMED, Array, Convolution, Graph, Node, Shape, Weight
from .onnx_file import load, weight_values
from .onnx_nested import everywhere, nested, read_inside
from .onnx_shapes import inferred
from .recognise import recognised

__all__ = ["read"]

ACTIVATIONS = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "PRelu": "prelu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Elu": "elu",
    "Selu": "selu", "Softplus": "softplus", "Gelu": "gelu", "Mish": "mish", "HardSwish": "hard_swish",
    "HardSigmoid": "hard_sigmoid", "Clip": "clip", "Softmax": "softmax", "Celu": "celu", "Swish": "silu",
}
EACH = {
    "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Abs", "Neg", "Exp", "Log", "Sqrt", "Erf", "Floor",
    "Ceil", "Round", "Sign", "Where", "Not", "And", "Or", "Xor", "Equal", "Less", "Greater", "Sin", "Cos", "Reciprocal",
    "LessOrEqual", "GreaterOrEqual", "IsNaN", "Mod", "BitShift", "Softsign", "ThresholdedRelu", "QuantizeLinear",
    "DequantizeLinear",
}
SAME = {"Identity", "Dropout", "Cast"}
NORMS = {"InstanceNormalization": "instance", "GroupNormalization": "group", "LayerNormalization": "layer",
         "LpNormalization": "lp"}


def read(model: Path | onnx.ModelProto, shapes: Mapping[str, Shape]) -> ModelFacts:
    """What an ONNX model holds.

    Args:
        model: a file, or a model in memory.
        shapes: of inputs, or of other values whose shape cannot be inferred, by name; "" is the only input.

    Raises:
        DataError: if the file is none, is truncated, or points out of its folder.
        ShapeError: if a shape does not fit the model.
    """
    folder = model.parent if isinstance(model, Path) else None
    proto = load(model) if isinstance(model, Path) else model
    notes: list[str] = []
    proto = inferred(proto, shapes, notes)
    view = _View.of(proto, folder)
    graph = recognised(view.graph())
    notes += [*view.notes, *_within(proto)]
    source = model.name if isinstance(model, Path) else (proto.graph.name or "ModelProto")
    return ModelFacts(source, "onnx", layers(graph, notes), graph, _parameters(proto), tuple(notes))


def _parameters(proto: onnx.ModelProto) -> int:
    """Numbers in the weights; shapes and indices, which are integers on one axis, do not count."""
    graphs = tuple(everywhere(proto.graph))
    held = (one.t for graph in graphs for node in graph.node if node.op_type == "Constant" for one in node.attribute
            if one.name == "value")
    stored = (tensor for graph in graphs for tensor in graph.initializer)
    return sum(math.prod(tensor.dims) for tensor in (*stored, *held)
               if tensor.data_type not in (onnx.TensorProto.INT64, onnx.TensorProto.INT32) or len(tensor.dims) > 1)


def _within(proto: onnx.ModelProto) -> list[str]:
    """What is said of layers in branches and loops, whose sizes and turns depend on the run."""
    notes = []
    for number, node in enumerate(proto.graph.node):
        kinds = [one.op_type for graph in nested(node) for inner in everywhere(graph) for one in inner.node]
        count = sum(kind in UPSAMPLING for kind in kinds)
        if count:
            notes.append(f"{node.name or f'{node.op_type}:{number}'}: {count} upsampling "
                         f"{'layer' if count == 1 else 'layers'} within this {node.op_type} are not listed.")
    return notes


UPSAMPLING = {"ConvTranspose", "Resize", "Upsample", "DepthToSpace"}


@dataclass
class _View:
    """A model's nodes, with constants and shapes at hand."""

    nodes: Sequence[onnx.NodeProto]
    makers: Mapping[str, onnx.NodeProto]
    stored: Mapping[str, onnx.TensorProto]
    shapes: Mapping[str, Shape]
    itemsizes: Mapping[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    folder: Path | None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, proto: onnx.ModelProto, folder: Path | None) -> _View:
        graph = proto.graph
        stored = {tensor.name: tensor for tensor in graph.initializer}
        values = [*graph.input, *graph.value_info, *graph.output]
        shapes = {value.name: _shape(value) for value in values if value.type.tensor_type.HasField("shape")}
        sizes = {value.name: _itemsize(value.type.tensor_type.elem_type) for value in values}
        return cls(graph.node, {name: node for node in graph.node for name in node.output}, stored, shapes, sizes,
                   tuple(value.name for value in graph.input if value.name not in stored),
                   tuple(value.name for value in graph.output), folder)

    def graph(self) -> Graph:
        """All of it in our words; what only makes constants is left out."""
        taken: set[str] = set()
        nodes = []
        for number, node in enumerate(self.nodes):
            outputs = tuple(name for name in node.output if name)
            if not outputs or self.constant(outputs[0], look=False):
                continue
            where = node.name if node.name and node.name not in taken else f"{node.op_type}:{outputs[0]}"
            where = where if where not in taken else f"{where}#{number}"
            taken.add(where)
            nodes.append(self._node(node, where, outputs))
        return Graph(tuple(nodes), self.shapes, self.inputs, self.outputs, itemsizes=self.itemsizes)

    def _node(self, node: onnx.NodeProto, where: str, outputs: tuple[str, ...]) -> Node:
        given = (*node.input, *dict.fromkeys(name for name in read_inside(node) if self._outside(name)))
        inputs = tuple(name for name in given if name and not self.constant(name, look=False))
        known = node.domain in ("", "ai.onnx", "com.microsoft")
        row = ROWS.get(node.op_type) if known else None
        op, data = _plain(node.op_type) if known else "other", None
        try:
            op, data = row(self, node, where) if row and inputs else (op, data)
        except TconvError:
            raise
        except MALFORMED as error:
            self.notes.append(f"{where}: is no {node.op_type} that can be read ({error!r}); it is let be.")
            op = "other"
        return Node(where, op, node.op_type, inputs, outputs, data)

    def constant(self, name: str, *, look: bool = True) -> Any:
        """A weight, or what is made of weights alone, as an array; with `look` false only whether it is one."""
        if name in self.stored:
            return weight_values(self.stored[name], self.folder) if look else True
        node = self.makers.get(name)
        if node is None or (node.op_type != "Constant" and (
                node.op_type not in FOLDS or not node.input or not self.constant(node.input[0], look=False))):
            return None if look else False
        if not look:
            return True
        if node.op_type == "Constant":
            return _held(node, self.folder)
        return FOLDS[node.op_type](self, node)

    def _outside(self, name: str) -> bool:
        return name in self.makers or name in self.inputs

    def said(self, node: onnx.NodeProto, number: int) -> Array | None:
        """An input that is a constant, as an array; None where it is left out or computed."""
        name = node.input[number] if number < len(node.input) else ""
        return self.constant(name) if name else None

    def rank(self, node: onnx.NodeProto) -> int | None:
        """Spatial axes of a node's first input."""
        shape = self.shapes.get(node.input[0])
        return None if shape is None else len(shape) - 2


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(size.dim_value if size.HasField("dim_value") and size.dim_value >= 0 else None
                 for size in value.type.tensor_type.shape.dim)


def _itemsize(kind: int) -> int:
    try:
        return onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize if kind else 4
    except (KeyError, TypeError, ValueError):
        return 4


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes as Python has them."""
    plain = (one for one in node.attribute if one.type and not one.ref_attr_name)
    found = {one.name: onnx.helper.get_attribute_value(one) for one in plain}
    return {name: value.decode(errors="replace") if isinstance(value, bytes) else
            list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
            for name, value in found.items()}


def _held(node: onnx.NodeProto, folder: Path | None) -> Array | None:
    said = attributes(node)
    if "value" in said:
        return weight_values(said["value"], folder)
    return next((np.asarray(value) for name, value in said.items() if name.startswith("value_")), None)


def _plain(kind: str) -> str:
    if kind in ACTIVATIONS:
        return "activation"
    return "each" if kind in EACH else "same" if kind in SAME else "other"


Row = Callable[[_View, onnx.NodeProto, str], tuple[str, Any]]


def _convolution(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    transposed = node.op_type == "ConvTranspose"
    row = (CONVENTIONS if transposed else CONVOLUTIONS)["onnx"]
    arguments = attributes(node)
    kernel, bias = view.said(node, 1), view.said(node, 2)
    shape = kernel.shape if kernel is not None else view.shapes.get(node.input[1])
    if shape is not None and None not in shape[2:] and "kernel_shape" not in arguments:
        arguments["kernel_shape"] = list(shape[2:])
    groups = arguments.get("group", 1)
    ins, outs = (None, None) if not shape else (shape[0], shape[1])
    if transposed:
        outs = None if outs is None else outs * groups
    else:
        ins, outs = None if outs is None else outs * groups, ins
    known = set(row.defaults) | {row.kernel_argument}
    said = {key: value for key, value in arguments.items() if key in known}
    weight = None if kernel is None else Weight(node.input[1], row.kernel_from(kernel, said))
    return "conv_transpose" if transposed else "conv", Convolution(
        lambda sizes: row.read(said, sizes), said, weight, None if bias is None else Weight(node.input[2], bias),
        (ins, outs))


def _resize(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    said = attributes(node)
    scales = view.said(node, 2 if node.op_type == "Resize" and len(node.input) > 2 else 1)
    scales = said.get("scales") if scales is None or not scales.size else scales.tolist()
    factor = None
    if scales and len(scales) > 2 and list(scales[:2]) == [1, 1]:
        factor = tuple(int(value) if float(value).is_integer() else float(value) for value in scales[2:])
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(said.get("mode", "nearest"), said.get("mode", "nearest"))
    default = "asymmetric" if node.op_type == "Upsample" or len(node.input) < 3 else "half_pixel"
    return "resize", Resize(where, mode, factor, said.get("coordinate_transformation_mode", default))


def _shuffle(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    said = attributes(node)
    return "shuffle", Shuffle((said["blocksize"],) * 2, said.get("mode", "DCR"))


def _batch_norm(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    found = [view.said(node, number) for number in range(1, 5)]
    if any(one is None for one in found):
        return "norm", Norm(where, "batch")
    gamma, beta, mean, variance = (np.asarray(one, np.float64) for one in found)
    scale = gamma / np.sqrt(variance + attributes(node).get("epsilon", 1e-5))
    return "norm", Norm(where, "batch", scale, beta - mean * scale)


def _data_norm(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    return "norm", Norm(where, NORMS[node.op_type])


def _pad(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    said = attributes(node)
    pads = view.said(node, 1)
    flat = said.get("pads") or said.get("paddings") if pads is None else pads.tolist()
    filled, axes = view.said(node, 2), view.said(node, 3)
    rank = view.rank(node)
    if flat is None or axes is not None or (rank is not None and len(flat) != 2 * (rank + 2)):
        return "other", None
    half = len(flat) // 2
    pairs = tuple(zip(flat[:half], flat[half:], strict=True))
    value = said.get("value", 0.0) if filled is None or not filled.size else float(np.ravel(filled)[0])
    if any(map(any, pairs[:2])) or value:
        return "other", None
    return "pad", Pad(pairs[2:], said.get("mode", "constant"))


def _slice(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    """A cut at the ends of spatial axes; other slices are found by their shapes."""
    said, rank, shape = attributes(node), view.rank(node), view.shapes.get(node.input[0])
    given = {name: view.said(node, number) for number, name in enumerate(("starts", "ends", "axes", "steps"), 1)}
    starts, ends, axes, steps = (said.get(name) if found is None else [int(one) for one in found.ravel()]
                                 for name, found in given.items())
    if not rank or rank < 1 or shape is None or starts is None or ends is None or set(steps or [1]) != {1}:
        return "other", None
    pairs = [(0, 0)] * (rank + 2)
    for axis, start, end in zip(axes or range(len(starts)), starts, ends, strict=True):
        size = shape[axis]
        if size is None:
            return "other", None
        kept = range(size)[start:end]
        pairs[axis] = (-kept.start, kept.stop - size)
    return ("other", None) if any(map(any, pairs[:2])) else ("cut", Pad(tuple(pairs[2:]), "constant"))


def _with_constant(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    """Addition and multiplication by one number for each channel, or by one for all."""
    constants = [value for number in (0, 1) if (value := view.said(node, number)) is not None]
    rank = view.rank(node)
    if len(constants) != 1 or not rank or rank < 1 or not _channelwise(constants[0].shape, rank):
        return "each", "mul" if node.op_type == "Mul" and not constants else None
    return "scale" if node.op_type == "Mul" else "shift", constants[0].ravel()


def _channelwise(shape: tuple[int, ...], rank: int) -> bool:
    """Whether an array spreads along the channels alone: `(C, 1, 1)`, `(1, C, 1, 1)`, or one number."""
    padded = (1,) * (rank + 2 - len(shape)) + shape
    return len(padded) == rank + 2 and padded[0] == 1 and set(padded[2:]) <= {1}


def _activation(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    return "activation", ACTIVATIONS[node.op_type]


def _pool(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    said = attributes(node)
    row = CONVOLUTIONS["onnx"]
    names = ("kernel_shape", "strides", "pads", "dilations", "auto_pad")
    words: dict[str, Any] = {name: said[name] for name in names if name in said}
    return "pool", lambda sizes: row.read(words, sizes)


def _concat(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    if any(view.constant(name, look=False) for name in node.input):
        return "other", None
    return "concat", attributes(node).get("axis", 0)


def _moved(view: _View, node: onnx.NodeProto, where: str) -> tuple[str, Any]:
    """A node through which numbers only change places, as a function of an array."""
    shape = view.shapes.get(node.output[0])
    if node.op_type == "Transpose":
        order = attributes(node).get("perm")
        return "move", lambda x: np.transpose(x, order)
    if node.op_type == "Tile":
        repeats = view.said(node, 1)
        return ("other", None) if repeats is None else ("move", lambda x: np.tile(x, repeats.tolist()))
    if shape is None or shape.count(None) > (node.op_type != "Expand"):
        return "other", None
    sizes = tuple(-1 if size is None else size for size in shape)
    return "move", (lambda x: np.broadcast_to(x, sizes)) if node.op_type == "Expand" else lambda x: x.reshape(sizes)


ROWS: dict[str, Row] = {
    "Conv": _convolution, "ConvTranspose": _convolution, "Resize": _resize, "Upsample": _resize,
    "DepthToSpace": _shuffle, "BatchNormalization": _batch_norm, "Pad": _pad, "Slice": _slice, "Add": _with_constant,
    "Mul": _with_constant, "MaxPool": _pool, "AveragePool": _pool, "Concat": _concat, "Transpose": _moved,
    "Tile": _moved, "Expand": _moved, "Reshape": _moved, "Unsqueeze": _moved, "Squeeze": _moved, "Flatten": _moved,
    **dict.fromkeys(NORMS, _data_norm), **dict.fromkeys(ACTIVATIONS, _activation),
}
"""What each operator becomes; what is not here stays a node of its own."""


def _dequantized(view: _View, node: onnx.NodeProto) -> Array | None:
    values, scale, zero = (view.said(node, number) for number in range(3))
    if values is None or scale is None:
        return None
    shape = [1] * values.ndim
    if scale.size > 1:
        shape[attributes(node).get("axis", 1)] = scale.size
    zero = np.zeros(1) if zero is None else zero
    zero = zero.astype(np.float32).reshape(shape) if zero.size == scale.size else zero.astype(np.float32)
    return (values.astype(np.float32) - zero) * scale.reshape(shape)


def _cast(view: _View, node: onnx.NodeProto) -> Array | None:
    value = view.said(node, 0)
    return None if value is None else value.astype(onnx.helper.tensor_dtype_to_np_dtype(attributes(node)["to"]))


def _turned(view: _View, node: onnx.NodeProto) -> Array | None:
    value = view.said(node, 0)
    return None if value is None else np.transpose(value, attributes(node).get("perm"))


FOLDS: dict[str, Callable[[_View, onnx.NodeProto], Array | None]] = {
    "Identity": lambda view, node: view.said(node, 0), "Cast": _cast, "Transpose": _turned,
    "DequantizeLinear": _dequantized,
}
"""Operators on weights alone that are carried out while reading."""
