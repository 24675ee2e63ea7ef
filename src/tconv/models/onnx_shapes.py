"""The sizes in an ONNX model, from those of its inputs on."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import inliner, shape_inference

from ..errors import ShapeError
from .graph import Shape

__all__ = ["inferred"]

TOO_LARGE = 2**31 - 2**20  # bytes: what protobuf hands to another library


def inferred(proto: onnx.ModelProto, shapes: Mapping[str, Shape], notes: list[str]) -> onnx.ModelProto:
    """A copy of a model with functions written out, these shapes said, and all others inferred as far as it goes.

    Raises:
        ShapeError: if a shape names no value, has another number of axes, or contradicts the model.
        DataError: if the model contradicts itself.
    """
    mine = _bare(proto)
    if mine.functions:
        mine = inliner.inline_local_functions(mine)
    _say(mine, shapes)
    if mine.ByteSize() > TOO_LARGE:
        notes.append("The model is too large to infer its sizes; store its weights as external data.")
        return mine
    try:
        return shape_inference.infer_shapes(mine, data_prop=True)
    except Exception as error:  # the library raises what it likes
        if shapes:
            raise ShapeError(f"shape: {_first(error)}; give a shape that fits the model.") from None
        notes.append(f"Sizes cannot be inferred ({_first(error)}).")
        return mine


def _first(error: Exception) -> str:
    """An error's first line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _bare(proto: onnx.ModelProto) -> onnx.ModelProto:
    mine = onnx.ModelProto()
    mine.CopyFrom(proto)
    return mine


def _say(proto: onnx.ModelProto, shapes: Mapping[str, Shape]) -> None:
    stored = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in stored]
    values = {value.name: value for value in [*proto.graph.output, *proto.graph.value_info, *inputs]}
    made = {name for node in proto.graph.node for name in node.output if name}
    for name, shape in shapes.items():
        if not name and len(inputs) != 1:
            names = ", ".join(f"{value.name}=..." for value in inputs)
            raise ShapeError(f"shape: the model has {len(inputs)} inputs; give each its own, as {names}.")
        name = name or inputs[0].name
        if name not in values and name not in made:
            raise ShapeError(f"shape: the model has no value {name!r}; its inputs are "
                             f"{', '.join(value.name for value in inputs)}.")
        value = values.get(name)
        if value is None:
            value = proto.graph.value_info.add(name=name)
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        _set(value, shape)


def _set(value: onnx.ValueInfoProto, shape: Shape) -> None:
    kind = value.type.tensor_type
    if kind.HasField("shape") and len(kind.shape.dim) != len(shape):
        raise ShapeError(f"shape: {value.name!r} has {len(kind.shape.dim)} axes, but {len(shape)} sizes were given; "
                         "give batch and channels too.")
    kind.shape.SetInParent()
    for number, size in enumerate(shape):
        axis = kind.shape.dim[number] if number < len(kind.shape.dim) else kind.shape.dim.add()
        if axis.HasField("dim_value") and axis.dim_value not in (0, size):
            raise ShapeError(f"shape: {value.name!r} has {axis.dim_value} on axis {number}, and not {size}; the model "
                             "leaves the other axes open." )
        axis.dim_value = size
