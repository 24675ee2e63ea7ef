"""Keras models, stored and in memory: every layer and operation in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..conventions.crops import cropped, pads_of
from ..conventions.keras import CONV_NAMES, transposed_crops
from ..geometry import Spec, per_axis
from .chains import Pad, Shuffle, layers
from .facts import ModelFacts, Norm, Resize
from .graph import Convolution, Graph, Node, Shape, Weight
from .keras_file import load
from .recognise import recognised
from .sizes import sized

__all__ = ["read"]


def read(model: Any, shapes: Mapping[str, Shape]) -> ModelFacts:
    """What a Keras model or layer holds.

    Args:
        model: a file, a model, or a layer.
        shapes: of inputs whose sizes it leaves open; "" is the only one.

    Raises:
        DataError, UnsupportedError: if a file cannot be read.
        ShapeError: if a shape does not fit.
    """
    source = model.name if isinstance(model, Path) else type(model).__name__
    model = load(model) if isinstance(model, Path) else model
    notes: list[str] = []
    view = _View(model)
    made = view.graph(notes)
    made = recognised(sized(made, shapes if made.inputs else {}))
    return ModelFacts(source, "keras", layers(made, notes), made, int(model.count_params()) if model.built else 0,
                      tuple(notes))


class _View:
    """A model's operations as nodes, models inside models included."""

    def __init__(self, model: Any):
        self.model = model
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.taken: set[str] = set()
        self.last = _channels_last(model)

    def graph(self, notes: list[str]) -> Graph:
        """All of it."""
        function = _function(self.model)
        if function is None:
            notes.append(f"{type(self.model).__name__} cannot be traced, so its layers stand in the order of their "
                         "making, without sizes; build it, or make it of Keras' functional kind.")
            self._loose(self.model, "")
            return Graph(tuple(self.nodes), {}, (), (), self.last)
        names = [tensor.name for tensor in function.inputs]
        for name, tensor in zip(names, function.inputs, strict=True):
            self.shapes[name] = tuple(tensor.shape)
        outputs = self._walk(function, names, "")
        return Graph(tuple(self.nodes), self.shapes, tuple(names), tuple(outputs), self.last)

    def _walk(self, function: Any, given: Sequence[str], prefix: str) -> list[str]:
        """Add a function's operations; the names of what it gives."""
        values = {id(tensor): name for tensor, name in zip(function.inputs, given, strict=True)}
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for node in function._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                inputs = [values[id(tensor)] for tensor in node.input_tensors if id(tensor) in values]
                outputs = self._operation(node, inputs, prefix)
                values |= {id(tensor): name for tensor, name in zip(node.output_tensors, outputs, strict=True)}
        return [values[id(tensor)] for tensor in function.outputs]

    def _operation(self, node: Any, inputs: list[str], prefix: str) -> list[str]:
        operation = node.operation
        where = self._unique(prefix + operation.name)
        inner = None if _row(operation) else _function(operation, inputs=node.input_tensors)
        if inner is not None and len(inner.inputs) == len(inputs):
            return self._walk(inner, inputs, f"{where}/")
        outputs = [where if number == 0 else f"{where}:{number}" for number in range(len(node.output_tensors))]
        for name, tensor in zip(outputs, node.output_tensors, strict=True):
            self.shapes[name] = tuple(tensor.shape)
        if inner is None and not _row(operation) and _inner_layers(operation):
            self._loose(operation, f"{where}/")
        self._add(operation, node, where, inputs, outputs)
        return outputs

    def _add(self, operation: Any, node: Any, where: str, inputs: list[str], outputs: list[str]) -> None:
        """One operation as one node, or as several, one behind the other."""
        row = _row(operation)
        parts = [("other", None)] if row is None else row(_Told(operation, node, where, self.last))
        names = [*(f"{where}:part {number}" for number in range(1, len(parts))), outputs[0]]
        for number, ((op, data), output) in enumerate(zip(parts, names, strict=True)):
            place = where if number == 0 else self._unique(f"{where}:{op}")
            made = (output, *outputs[1:]) if output == outputs[0] else (output,)
            self.nodes.append(Node(place, op, type(operation).__name__, tuple(inputs), made, data))
            inputs = [output]

    def _loose(self, layer: Any, prefix: str) -> None:
        """The layers in one that cannot be traced, without what joins them."""
        for inner in _inner_layers(layer) or [layer]:
            if _row(inner) is not None and getattr(inner, "built", False):
                where = self._unique(prefix + inner.name)
                self._add(inner, None, where, [f"{where}?"], [where])

    def _unique(self, name: str) -> str:
        found = name
        while found in self.taken:
            found += "'"
        self.taken.add(found)
        return found


def _function(operation: Any, inputs: Sequence[Any] = ()) -> Any:
    """The graph of a model, or of a layer that is made of layers; None where there is none to be had."""
    graph = getattr(operation, "_functional", None) or operation
    if hasattr(graph, "_nodes_by_depth"):
        return graph
    if not _inner_layers(operation) or not getattr(operation, "built", False):
        return None
    try:
        given = [keras.KerasTensor(tensor.shape, tensor.dtype) for tensor in inputs] or _given(operation)
        return keras.Function(given, operation.call(*given))
    except Exception:  # a class of its own may do anything with what is no array
        return None


def _given(model: Any) -> list[Any]:
    """Inputs of the shape that a model was built with."""
    shape = model._build_shapes_dict or {}
    return [keras.KerasTensor(one) for one in shape.values() if isinstance(one, tuple)]


def _inner_layers(layer: Any) -> list[Any]:
    found = layer._flatten_layers(include_self=False) if hasattr(layer, "_flatten_layers") else ()
    return list(found)


def _channels_last(model: Any) -> bool:
    formats = [layer.data_format for layer in [model, *_inner_layers(model)]
               if isinstance(getattr(layer, "data_format", None), str)]
    return (formats[0] if formats else keras.config.image_data_format()) == "channels_last"


class _Told:
    """An operation with what it is about to hand."""

    def __init__(self, operation: Any, node: Any, where: str, last: bool):
        self.operation, self.node, self.where, self.last = operation, node, where, last

    def weight(self, name: str) -> Weight | None:
        """One of the layer's weights."""
        value = getattr(self.operation, name, None)
        return None if value is None else Weight(value.path, keras.ops.convert_to_numpy(value))

    @property
    def result(self) -> Shape:
        """The shape of what it gives."""
        return () if self.node is None else tuple(self.node.output_tensors[0].shape)

    @property
    def rank(self) -> int:
        """How many spatial axes its result has."""
        return len(self.result) - 2

    def argument(self, name: str, position: int, default: Any = None) -> Any:
        """What the operation was made or called with."""
        if hasattr(self.operation, name):
            return getattr(self.operation, name)
        arguments = self.node.arguments
        return arguments.kwargs.get(name, arguments.args[position] if len(arguments.args) > position else default)


Parts = Sequence[tuple[str, Any]]
Row = Callable[[_Told], Parts]


def _row(operation: Any) -> Row | None:
    names = (kind.__name__ for kind in type(operation).__mro__)
    return next((ROWS[name] for name in names if name in ROWS), None)


def _active(layer: Any) -> Parts:
    """A layer's own activation, as a part behind it."""
    function = getattr(layer, "activation", None)
    if function is None:
        return ()
    name = getattr(function, "__name__", None) or getattr(function, "name", None) or type(function).__name__
    return () if name == "linear" else (("activation", name.lower()),)


def _convolution(told: _Told) -> Parts:
    layer = told.operation
    transposed = "Transpose" in type(layer).__name__
    return ((*_convolved(told, layer, transposed), *_active(layer)))


def _convolved(told: _Told, layer: Any, transposed: bool) -> Parts:
    kernel, bias = _Told(layer, None, told.where, told.last).weight("kernel"), None
    if getattr(layer, "use_bias", False):
        bias = _Told(layer, None, told.where, told.last).weight("bias")
    groups = getattr(layer, "groups", 1)
    names = ("kernel_size", "strides", "padding", "dilation_rate", *(("output_padding",) if transposed else ()))
    arguments = {**{name: getattr(layer, name) for name in names}, "groups": groups}
    ins, outs = None, layer.filters
    if kernel is not None:
        ins = kernel.value.shape[-1] if transposed else kernel.value.shape[-2] * groups
    return (("conv_transpose" if transposed else "conv",
             Convolution(_setting(arguments, transposed), arguments, kernel, bias, (ins, outs))),)


def _setting(arguments: Mapping[str, Any], transposed: bool) -> Callable[[tuple[int, ...] | None], Spec]:
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilation_rate"],
                   groups=arguments["groups"])

    def read(sizes: tuple[int, ...] | None) -> Spec:
        if transposed:
            return cropped(bare, transposed_crops(bare, arguments["padding"], arguments["output_padding"]))
        return cropped(bare, pads_of("keras", bare, arguments["padding"], sizes, CONV_NAMES))

    return read


def _depthwise(told: _Told) -> Parts:
    return (*_by_depth(told), *_active(told.operation))


def _by_depth(told: _Told, weight: str = "kernel", bias: bool = True) -> Parts:
    layer, kernel = told.operation, told.weight(weight)
    if kernel is None:
        return (("other", None),)
    *taps, ins, times = kernel.value.shape
    arguments = {"kernel_size": tuple(taps), "strides": layer.strides, "padding": layer.padding,
                 "dilation_rate": layer.dilation_rate, "groups": ins}
    canonical = Weight(kernel.name, kernel.value.reshape(*taps, 1, ins * times))
    return (("conv", Convolution(_setting(arguments, False), arguments, canonical,
                                 told.weight("bias") if bias and layer.use_bias else None, (ins, ins * times))),)


def _separable(told: _Told) -> Parts:
    layer, kernel = told.operation, told.weight("pointwise_kernel")
    if kernel is None:
        return (("other", None),)
    rank = kernel.value.ndim - 2
    arguments = {"kernel_size": (1,) * rank, "strides": 1, "padding": "valid", "dilation_rate": 1, "groups": 1}
    point = Convolution(_setting(arguments, False), arguments, kernel, told.weight("bias") if layer.use_bias else None,
                        kernel.value.shape[-2:])
    return (*_by_depth(told, "depthwise_kernel", bias=False), ("conv", point), *_active(layer))


def _upsampling(told: _Told) -> Parts:
    layer = told.operation
    size = layer.size if isinstance(layer.size, tuple) else (layer.size,)
    return (("resize", _enlarged(told.where, getattr(layer, "interpolation", "nearest"), size)),)


def _enlarged(where: str, interpolation: str, size: tuple[int, ...]) -> Resize:
    return Resize(where, interpolation, tuple(size), "asymmetric" if interpolation == "nearest" else "half_pixel")


def _image_resize(told: _Told) -> Parts:
    """`keras.ops.image.resize` and the layer `Resizing`: the sizes tell the factor."""
    layer = told.operation
    if getattr(layer, "crop_to_aspect_ratio", False) or getattr(layer, "pad_to_aspect_ratio", False):
        return (("other", None),)
    kind = layer.interpolation
    return (("resize", Resize(told.where, kind, None, "asymmetric" if kind == "nearest" else "half_pixel")),)


def _resize_conv(told: _Told) -> Parts:
    layer = told.operation
    inner = layer.convolution
    size = per_axis("read", "size", layer.size, inner.rank)
    return (("resize", _enlarged(told.where, layer.interpolation, size)), *_convolved(told, inner, False),
            *_active(inner))


def _subpixel(told: _Told) -> Parts:
    layer = told.operation
    inner = layer.convolution
    size = per_axis("read", "size", layer.size, inner.rank)
    return (*_convolved(told, inner, False), *_active(inner), ("shuffle", Shuffle(size, layer.order)))


def _depth_to_space(told: _Told) -> Parts:
    size = told.argument("block_size", 1)
    return (("shuffle", Shuffle((size,) * max(told.rank, 2), "DCR")),)


def _batch_norm(told: _Told) -> Parts:
    layer = told.operation
    mean, variance = told.weight("moving_mean"), told.weight("moving_variance")
    if mean is None or variance is None:
        return (("norm", Norm(told.where, "batch")),)
    gamma, beta = told.weight("gamma"), told.weight("beta")
    scale = 1 / np.sqrt(variance.value.astype(np.float64) + layer.epsilon)
    scale = scale if gamma is None else gamma.value * scale
    return (("norm", Norm(told.where, "batch", scale, (0 if beta is None else beta.value) - mean.value * scale)),)


def _data_norm(kind: str) -> Row:
    return lambda told: (("norm", Norm(told.where, kind)),)


def _activation(told: _Told) -> Parts:
    """`Activation("relu")`, `ReLU()`, `keras.ops.relu`."""
    return _active(told.operation) or (("same", None),)


def _named(told: _Told) -> Parts:
    return (("activation", ACTIVATIONS[next(kind.__name__ for kind in type(told.operation).__mro__
                                            if kind.__name__ in ACTIVATIONS)]),)


def _zeros(told: _Told) -> Parts:
    return (("pad", Pad(_pairs(told.operation.padding), "constant")),)


def _cropping(told: _Told) -> Parts:
    return (("cut", Pad(tuple((-lo, -hi) for lo, hi in _pairs(told.operation.cropping)), "constant")),)


def _pairs(said: Any) -> tuple[tuple[int, int], ...]:
    """`(lo, hi)` for each axis; a layer of one axis says just the two numbers."""
    return (tuple(said),) if isinstance(said[0], int) else tuple(tuple(pair) for pair in said)


def _pool(told: _Told) -> Parts:
    layer = told.operation
    bare = Spec.of(tuple(layer.pool_size) if isinstance(layer.pool_size, Sequence) else (layer.pool_size,),
                   stride=layer.strides)
    return (("pool", lambda sizes: cropped(bare, pads_of("keras", bare, layer.padding, sizes, CONV_NAMES))),)


def _concat(told: _Told) -> Parts:
    return (("concat", told.operation.axis),)


def _multiply(told: _Told) -> Parts:
    return _with_number(told, "scale") if len(told.node.input_tensors) == 1 else (("each", "mul"),)


def _add(told: _Told) -> Parts:
    return _with_number(told, "shift") if len(told.node.input_tensors) == 1 else (("each", None),)


def _with_number(told: _Told, kind: str) -> Parts:
    numbers = [one for one in told.node.arguments.args if isinstance(one, int | float)]
    return ((kind, np.array([float(numbers[0])])),) if len(numbers) == 1 else (("each", None),)


def _reshaped(told: _Told) -> Parts:
    shape = [-1 if size is None else size for size in told.result]
    return (("other", None),) if shape.count(-1) > 1 else (("move", lambda x: x.reshape(shape)),)


def _transposed_axes(told: _Told) -> Parts:
    order = told.argument("axes", 1)
    return (("move", lambda x: np.transpose(x, order)),)


def _permuted(told: _Told) -> Parts:
    order = (0, *told.operation.dims)
    return (("move", lambda x: np.transpose(x, order)),)


def _repeated(told: _Told) -> Parts:
    times, axis = told.argument("repeats", 1), told.argument("axis", 2)
    return (("move", lambda x: np.repeat(x, times, axis)),) if isinstance(times, int) else (("other", None),)


def _tiled(told: _Told) -> Parts:
    times = told.argument("repeats", 1)
    return (("move", lambda x: np.tile(x, times)),)


def _plain(op: str) -> Row:
    return lambda told: ((op, None),)


ACTIVATIONS = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu", "Softmax": "softmax", "Relu": "relu",
    "Relu6": "relu6", "LeakyRelu": "leaky_relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Silu": "silu", "Gelu": "gelu",
    "Elu": "elu", "Selu": "selu", "Softplus": "softplus", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu",
    "Mish": "mish", "Clip": "clip",
}
EACH = ("Subtract", "Divide", "TrueDivide", "Power", "Exp", "Log", "Sqrt", "Square", "Absolute", "Negative", "Maximum",
        "Minimum", "Average", "Where", "Sin", "Cos")
SAME = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout",
        "Identity", "Cast", "ActivityRegularization", "StopGradient")
RANKS = (1, 2, 3)
ROWS: dict[str, Row] = {
    **{f"Conv{rank}D{name}": _convolution for rank in RANKS for name in ("", "Transpose")},
    **{f"DepthwiseConv{rank}D": _depthwise for rank in RANKS},
    **{f"SeparableConv{rank}D": _separable for rank in RANKS},
    **{f"UpSampling{rank}D": _upsampling for rank in RANKS}, "Resizing": _image_resize, "Resize": _image_resize,
    "ResizeConv": _resize_conv, "SubpixelConv": _subpixel, "DepthToSpace": _depth_to_space,
    "BatchNormalization": _batch_norm, "GroupNormalization": _data_norm("group"),
    "LayerNormalization": _data_norm("layer"), "UnitNormalization": _data_norm("unit"),
    **dict.fromkeys(ACTIVATIONS, _named), "Activation": _activation,
    **{f"ZeroPadding{rank}D": _zeros for rank in RANKS}, **{f"Cropping{rank}D": _cropping for rank in RANKS},
    **{f"{name}Pooling{rank}D": _pool for name in ("Max", "Average") for rank in RANKS},
    "Concatenate": _concat, "Multiply": _multiply, "Add": _add, "Reshape": _reshaped, "Flatten": _reshaped,
    "ExpandDims": _reshaped, "Squeeze": _reshaped, "Transpose": _transposed_axes, "Permute": _permuted,
    "Repeat": _repeated, "Tile": _tiled, **dict.fromkeys(EACH, _plain("each")), **dict.fromkeys(SAME, _plain("same")),
}
"""What each layer and operation becomes, by its class or by one that it derives from."""
