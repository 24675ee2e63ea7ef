"""A Keras model as an ONNX graph: channels first inside, as ONNX has them, and channels last at its two ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...conventions.keras import transposed_crops
from ...errors import MissingExtra, UnsupportedError
from ...files import write_whole
from ...geometry import Spec
from ...methods.channels import Array

__all__ = ["ROWS", "run", "write"]

OPSET = 17
IR = 9
BATCH = "batch"


def write(model: Any, path: Path) -> None:
    """Write the graph of a sequential or functional model of one input and one output; sizes that are open stay open.

    Raises:
        UnsupportedError: if a layer has no row in this table.
        MissingExtra: without the package onnx.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtra("tconv.recipes", "onnx", "onnx") from None
    whole = getattr(model, "_functional", None) or model
    graph = Graph()
    names = {id(whole.inputs[0]): graph.first("input", len(whole.inputs[0].shape))}
    for depth in sorted(whole._nodes_by_depth, reverse=True):
        for node in whole._nodes_by_depth[depth]:
            if node.input_tensors:
                taken = [names[id(value)] for value in node.input_tensors]
                names[id(node.outputs[0])] = _row(node.operation)(graph, node.operation, taken)
    rank = len(whole.outputs[0].shape)
    graph.add("Identity", [graph.last(names[id(whole.outputs[0])], rank)], output="output")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [BATCH, *_open(value)])
            for name, value in (("input", whole.inputs[0]), ("output", whole.outputs[0]))]
    made = onnx.helper.make_graph(
        [onnx.helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in graph.nodes],
        model.name, ends[:1], ends[1:],
        [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()])
    proto = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR,
                                   producer_name="tconv")
    onnx.checker.check_model(proto, full_check=True)
    write_whole(path, proto.SerializeToString())


def run(path: Path, inputs: list[Array]) -> list[Array]:
    """What ONNX Runtime makes of inputs."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("tconv.recipes", "onnxruntime", "onnx") from None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return [session.run(None, {"input": values})[0] for values in inputs]


def _open(value: Any) -> list[Any]:
    return [f"size_{axis}" if size is None else size for axis, size in enumerate(value.shape[1:])]


@dataclass(slots=True)
class Graph:
    """Nodes `(op, inputs, output, attributes)` and constants, as they are found."""

    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """A node; the name of its output."""
        name = output or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append((op, list(inputs), name, attributes))
        return name

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """An array that is part of the file; its name."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(np.asarray(values, dtype))
        return name

    def first(self, name: str, rank: int) -> str:
        """Channels last to channels first."""
        return name if rank < 3 else self.add("Transpose", [name], perm=[0, rank - 1, *range(1, rank - 1)])

    def last(self, name: str, rank: int) -> str:
        """Channels first to channels last."""
        return name if rank < 3 else self.add("Transpose", [name], perm=[0, *range(2, rank), 1])


Write = Callable[[Graph, Any, list[str]], str]


def _row(layer: Any) -> Write:
    found = next((ROWS[base.__name__] for base in type(layer).__mro__ if base.__name__ in ROWS), None)
    if found is None:
        raise UnsupportedError(f"export: {type(layer).__name__} {layer.name!r} is not known in ONNX here; export to "
                               "keras instead.")
    return found


def _values(variable: Any) -> Array:
    import keras

    return keras.ops.convert_to_numpy(variable)  # type: ignore[no-any-return]


def _kernel(layer: Any) -> Array:
    """`(*K, D, C)` to `(C, D, *K)`, which serves both kinds of layers: a plain one has its output channels last."""
    kernel = _values(layer.kernel)
    return kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))


def _operands(graph: Graph, layer: Any, taken: list[str]) -> list[str]:
    bias = [graph.constant(_values(layer.bias))] if layer.use_bias else []
    return [*taken, graph.constant(_kernel(layer)), *bias]


def _settings(layer: Any) -> dict[str, Any]:
    return {"kernel_shape": list(layer.kernel_size), "strides": list(layer.strides),
            "dilations": list(layer.dilation_rate), "group": layer.groups}


def _conv(graph: Graph, layer: Any, taken: list[str]) -> str:
    padding = PADDED[layer.padding](layer) if isinstance(layer.padding, str) else {"pads": _ends(layer.padding)}
    return _activated(graph, layer, graph.add("Conv", _operands(graph, layer, taken), **_settings(layer), **padding))


def _same_pads(layer: Any) -> dict[str, Any]:
    """With a stride they depend on the size; without one they do not, and runtimes like numbers better."""
    if max(layer.strides) == 1:
        reaches = [(taps - 1) * step for taps, step in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
        return {"pads": _ends([(reach // 2, reach - reach // 2) for reach in reaches])}
    if max(layer.dilation_rate) > 1:
        raise UnsupportedError(f"export: {layer.name!r} has padding='same' with strides and dilation, which runtimes "
                               "do not take; give its padding in numbers, or export to keras instead.")
    return {"auto_pad": "SAME_UPPER"}


PADDED: dict[str, Callable[[Any], dict[str, Any]]] = {"same": _same_pads, "valid": lambda layer: {}}


def _ends(pairs: Sequence[tuple[int, int]]) -> list[int]:
    return [lo for lo, _ in pairs] + [hi for _, hi in pairs]


def _conv_transpose(graph: Graph, layer: Any, taken: list[str]) -> str:
    spec = Spec.of(layer.kernel_size, stride=layer.strides, dilation=layer.dilation_rate, groups=layer.groups)
    crops = transposed_crops(spec, layer.padding, layer.output_padding)
    if min(lo for lo, _ in crops) < 0:
        raise UnsupportedError(f"export: {layer.name!r} adds zeros before its result, which ONNX' layer cannot; export "
                               "to keras instead.")
    made = graph.add("ConvTranspose", _operands(graph, layer, taken), **_settings(layer),
                     pads=_ends([(lo, max(hi, 0)) for lo, hi in crops]),
                     output_padding=[max(-hi, 0) for _, hi in crops])
    return _activated(graph, layer, made)


def _activated(graph: Graph, layer: Any, name: str) -> str:
    return _activation(graph, layer.activation, name)


def _activation(graph: Graph, function: Any, name: str) -> str:
    said = getattr(function, "__name__", "linear") if function is not None else "linear"
    if said == "linear":
        return name
    if said not in ACTIVATIONS:
        raise UnsupportedError(f"export: the activation {said!r} is not known in ONNX here; known are "
                               f"{', '.join(ACTIVATIONS)}. Export to keras instead.")
    op, attributes = ACTIVATIONS[said]
    return graph.add(op, [name], **attributes)


def _dense(graph: Graph, layer: Any, taken: list[str]) -> str:
    made = graph.add("MatMul", [*taken, graph.constant(_values(layer.kernel))])
    if layer.use_bias:
        made = graph.add("Add", [made, graph.constant(_values(layer.bias))])
    return _activated(graph, layer, made)


def _resize_conv(graph: Graph, layer: Any, taken: list[str]) -> str:
    return _conv(graph, layer.convolution, [_up(graph, layer, taken)])


def _up(graph: Graph, layer: Any, taken: list[str]) -> str:
    mode = getattr(layer, "interpolation", "nearest")
    if mode not in MODES:
        raise UnsupportedError(f"export: resizing by {mode!r} is not known in ONNX here; known are {', '.join(MODES)}. "
                               "Export to keras instead.")
    scales = graph.constant([1, 1, *_sizes(layer)])
    return graph.add("Resize", [*taken, "", scales], **MODES[mode])


def _sizes(layer: Any) -> tuple[int, ...]:
    rank = layer.convolution.rank if hasattr(layer, "convolution") else len(layer.input.shape) - 2
    return tuple(layer.size) if isinstance(layer.size, tuple | list) else (layer.size,) * rank


def _subpixel_conv(graph: Graph, layer: Any, taken: list[str]) -> str:
    sizes = _sizes(layer)
    if len(sizes) != 2 or sizes[0] != sizes[1]:
        raise UnsupportedError(f"export: {layer.name!r} shuffles by {sizes}, but ONNX knows two equal factors; export "
                               "to keras instead.")
    made = _conv(graph, layer.convolution, taken)
    return graph.add("DepthToSpace", [made], blocksize=sizes[0], mode=layer.order)


def _norm(graph: Graph, layer: Any, taken: list[str]) -> str:
    scale = _values(layer.gamma) if layer.scale else np.ones(layer.moving_mean.shape)
    shift = _values(layer.beta) if layer.center else np.zeros(layer.moving_mean.shape)
    parts = (scale, shift, _values(layer.moving_mean), _values(layer.moving_variance))
    return graph.add("BatchNormalization", [*taken, *map(graph.constant, parts)], epsilon=layer.epsilon)


def _prelu(graph: Graph, layer: Any, taken: list[str]) -> str:
    slope = _values(layer.alpha)
    return graph.add("PRelu", [*taken, graph.constant(np.moveaxis(slope, -1, 0))])


def _relu(graph: Graph, layer: Any, taken: list[str]) -> str:
    if layer.max_value is not None or layer.threshold:
        raise UnsupportedError(f"export: {layer.name!r} is a ReLU with limits; export to keras instead.")
    return graph.add("LeakyRelu", taken, alpha=float(layer.negative_slope))


def _reshape(graph: Graph, layer: Any, taken: list[str]) -> str:
    flat = graph.last(taken[0], len(layer.input.shape))
    made = graph.add("Reshape", [flat, graph.constant([0, *layer.output.shape[1:]], np.int64)])
    return graph.first(made, len(layer.output.shape))


def _crop_like(graph: Graph, layer: Any, taken: list[str]) -> str:
    sizes = graph.add("Shape", taken[1:], start=2)
    rank = len(layer.output.shape) - 2
    return graph.add("Slice", [taken[0], graph.constant([0] * rank, np.int64), sizes,
                               graph.constant(range(2, 2 + rank), np.int64)])


def _pool(op: str) -> Write:
    def write(graph: Graph, layer: Any, taken: list[str]) -> str:
        padding = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}
        return graph.add(op, taken, kernel_shape=list(layer.pool_size), strides=list(layer.strides), **padding)

    return write


def _same(graph: Graph, layer: Any, taken: list[str]) -> str:
    return taken[0]


def _named(op: str, **attributes: Any) -> Write:
    return lambda graph, layer, taken: graph.add(op, taken, **attributes)


MODES = {"nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
         "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}}
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}), "sigmoid": ("Sigmoid", {}), "tanh": ("Tanh", {}), "softmax": ("Softmax", {"axis": 1}),
    "elu": ("Elu", {}), "softplus": ("Softplus", {}), "leaky_relu": ("LeakyRelu", {"alpha": 0.2})}
ROWS: dict[str, Write] = {
    "BaseConv": _conv, "BaseConvTranspose": _conv_transpose, "ResizeConv": _resize_conv, "SubpixelConv": _subpixel_conv,
    "UpSampling1D": _up, "UpSampling2D": _up, "UpSampling3D": _up, "Dense": _dense, "BatchNormalization": _norm,
    "Activation": lambda graph, layer, taken: _activated(graph, layer, taken[0]), "PReLU": _prelu, "ReLU": _relu,
    "LeakyReLU": lambda graph, layer, taken: graph.add("LeakyRelu", taken, alpha=float(layer.negative_slope)),
    "Softmax": _named("Softmax", axis=1), "Add": _named("Sum"), "Concatenate": _named("Concat", axis=1),
    "MaxPooling2D": _pool("MaxPool"), "AveragePooling2D": _pool("AveragePool"), "Reshape": _reshape,
    "Flatten": _reshape, "CropLike": _crop_like, "Dropout": _same, "SpatialDropout2D": _same, "Identity": _same,
    "Nested": _same,
}
