"""A layer as a whole program in each framework: made, loaded with a kernel, and run. Text; imports no framework.

A program finds `kernel` in the layout that its first lines start from, `bias` of shape `(D,)`, and `x` in the
framework's own order of axes, float32; and leaves the result in `y`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .convention import Channels

__all__ = ["PROGRAMS", "Program"]

Lines = tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """One framework's.

    Args:
        packages: what it imports, each with the words that install it.
        imports: the lines that do.
        body: a layer's line, whether there is a bias, and the number of axes, to the lines that run it.
    """

    packages: dict[str, str]
    imports: Lines
    body: Callable[[str, bool, int], Lines]

    def lines(self, code: str, kernel: Sequence[str], channels: Channels, rank: int) -> Lines:
        """The whole program: imports, the kernel's lines, the layer, the call."""
        return ("import numpy as np", *self.imports, *kernel, *self.body(code, channels.bias is not False, rank))


def _given(*rows: tuple[str, bool]) -> Lines:
    """The lines whose condition is true."""
    return tuple(line for line, wanted in rows if wanted)


def _keras(code: str, bias: bool, rank: int) -> Lines:
    weights = "[kernel, bias]" if bias else "[kernel]"
    return (f"layer = {code}", "layer.build(x.shape)", f"layer.set_weights({weights})",
            "y = keras.ops.convert_to_numpy(layer(x))")


def _torch(code: str, bias: bool, rank: int) -> Lines:
    inner = "layer[-1]" if code.startswith("torch.nn.Sequential") else "layer"
    return (f"layer = {code}", *_given(
        (f"{inner}.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))", True),
        (f"{inner}.bias.data = torch.from_numpy(bias)", bias)),
        "y = layer(torch.from_numpy(x)).detach().numpy()")


def _function(code: str, bias: bool, rank: int) -> Lines:
    return (f"y = {code}", *_given(("y = y + bias", bias)), "y = np.asarray(y)")


def _flax(code: str, bias: bool, rank: int) -> Lines:
    weights = "{'kernel': kernel, 'bias': bias}" if bias else "{'kernel': kernel}"
    return (f"layer = {code}", f"y = np.asarray(layer.apply({{'params': {weights}}}, x))")


def _equinox(code: str, bias: bool, rank: int) -> Lines:
    ones = ", 1" * rank
    return ("key = jax.random.key(0)", f"layer = {code}", *_given(
        ("layer = equinox.tree_at(lambda layer: layer.weight, layer, jax.numpy.asarray(kernel))", True),
        (f"layer = equinox.tree_at(lambda layer: layer.bias, layer, jax.numpy.asarray(bias.reshape(-1{ones})))", bias)),
        "y = np.asarray(jax.jit(jax.vmap(layer))(x))  # each of the batch by itself")


def _onnx(code: str, bias: bool, rank: int) -> Lines:
    added = ", 'bias': bias" if bias else ""
    return (
        f"node = {code}",
        f"arrays = {{'x': x, 'kernel': np.ascontiguousarray(kernel){added}}}",
        "info, float32 = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT",
        "inputs = [info(name, float32, array.shape) for name, array in arrays.items()]",
        "graph = onnx.helper.make_graph([node], 'layer', inputs, [info('y', float32, None)])",
        "model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 11)], ir_version=8)",
        "session = onnxruntime.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])",
        "y = session.run(None, arrays)[0]",
    )


def _openvino(code: str, bias: bool, rank: int) -> Lines:
    ones = ", 1" * rank
    return (
        "value, x = x, openvino.opset13.parameter(x.shape, np.float32)",
        "kernel = openvino.opset13.constant(np.ascontiguousarray(kernel))",
        f"node = {code}",
        *_given((f"node = openvino.opset13.add(node, openvino.opset13.constant(bias.reshape(1, -1{ones})))", bias)),
        "exactly = {'INFERENCE_PRECISION_HINT': 'f32'}",
        "model = openvino.Core().compile_model(openvino.Model([node], [x]), 'CPU', exactly)",
        "y = model([value])[0]",
    )


PROGRAMS = {
    "keras": Program({"keras": "'tconv[keras]'"}, ("import keras",), _keras),
    "tensorflow": Program({"tensorflow": "'tconv[tensorflow]'"}, ("import tensorflow as tf",), _function),
    "torch": Program({"torch": "'tconv[torch]'"}, ("import torch",), _torch),
    "jax": Program({"jax": "'tconv[jax]'"}, ("import jax",), _function),
    "flax": Program({"flax": "flax"}, ("import flax.linen",), _flax),
    "equinox": Program({"equinox": "equinox"}, ("import equinox", "import jax"), _equinox),
    "onnx": Program({"onnx": "'tconv[onnx]'", "onnxruntime": "'tconv[onnx]'"},
                    ("import onnx", "import onnxruntime"), _onnx),
    "openvino": Program({"openvino": "openvino"}, ("import openvino", "import openvino.opset13"), _openvino),
}
