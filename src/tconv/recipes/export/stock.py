"""A model of stock Keras layers: the same numbers, for Keras alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...methods.channels import Array
from ..checkpoint import save_model
from .process import ask

__all__ = ["run", "stocked", "write"]

PLAIN = ("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "UpSampling1D",
         "UpSampling2D", "UpSampling3D")
ONLY_OURS = "export: {kind} {name!r} has {what}, which Keras' own layer has not; export to onnx instead."
SCRIPT = """
import sys
import numpy as np
import keras
model = keras.saving.load_model(sys.argv[1], safe_mode=True)
with np.load(sys.argv[2]) as given:
    np.savez(sys.argv[3], *(keras.ops.convert_to_numpy(model.predict_on_batch(given[name])) for name in given.files))
"""


def write(model: Any, path: Path) -> None:
    """Save a model with each layer of this package turned into Keras' own."""
    save_model(path, stocked(model))


def run(path: Path, inputs: list[Array]) -> list[Array]:
    """What a process with Keras, and without this package, makes of inputs."""
    import keras

    return ask([sys.executable, "-c", SCRIPT, str(path)], inputs, {"KERAS_BACKEND": keras.config.backend()})


@dataclass(frozen=True, slots=True)
class Step:
    """A stock layer, and the weights that it gets as soon as it is built."""

    layer: Any
    weights: Sequence[Any]


def stocked(model: Any) -> Any:
    """The same model of stock layers, with the same weights.

    Raises:
        UnsupportedError: if a layer has settings that no stock layer has.
    """
    import keras

    whole = getattr(model, "_functional", None) or model
    turned: dict[int, list[Step]] = {}  # a layer that is used twice is one layer
    values = {id(taken): keras.Input(taken.shape[1:]) for taken in whole.inputs}
    for depth in sorted(whole._nodes_by_depth, reverse=True):
        for node in whole._nodes_by_depth[depth]:
            if node.input_tensors:
                given = [values[id(value)] for value in node.input_tensors]
                steps = turned.setdefault(id(node.operation), _turned(node.operation))
                values[id(node.outputs[0])] = _called(steps, given if len(given) > 1 else given[0])
    for step in (step for steps in turned.values() for step in steps):
        for ours, theirs in zip(step.layer.weights, step.weights, strict=True):
            ours.assign(theirs)
    taken = [values[id(value)] for value in whole.inputs]
    return keras.Model(taken if len(taken) > 1 else taken[0], values[id(whole.outputs[0])], name=model.name)


def _called(steps: Sequence[Step], value: Any) -> Any:
    for step in steps:
        value = step.layer(value)
    return value


def _turned(layer: Any, name: str | None = None) -> list[Step]:
    """A layer as stock layers, one after another; of this name, where there is one."""
    import keras

    kind = type(layer).__name__
    if kind in TURNS:
        return TURNS[kind](layer)
    if not type(layer).__module__.startswith("tconv"):
        return [Step(type(layer).from_config(layer.get_config()), layer.weights)]
    if kind not in PLAIN:
        raise UnsupportedError(ONLY_OURS.format(kind=kind, name=layer.name, what="no counterpart"))
    return [Step(getattr(keras.layers, kind).from_config({**_plain(layer), "name": name or layer.name}),
                 layer.weights)]


def _plain(layer: Any) -> dict[str, Any]:
    """The config that Keras' own layer of this name takes."""
    config = layer.get_config()
    transposed = type(layer).__name__.endswith("Transpose")
    if config.get("groups", 1) > 1 and transposed:
        raise UnsupportedError(ONLY_OURS.format(kind=type(layer).__name__, name=layer.name, what="groups"))
    if not isinstance(config.get("padding", "same"), str):
        raise UnsupportedError(ONLY_OURS.format(kind=type(layer).__name__, name=layer.name, what="padding in numbers"))
    if max(config.get("strides", (1,))) > 1 and max(config.get("dilation_rate", (1,))) > 1:
        raise UnsupportedError(ONLY_OURS.format(kind=type(layer).__name__, name=layer.name,
                                                what="strides together with dilation"))
    # The kernel is filled in afterwards, and an initializer of this package would need it to be read.
    begun = {"kernel_initializer": "zeros"} if "kernel_initializer" in config else {}
    return {name: value for name, value in config.items() if name != "groups" or not transposed} | begun


def _resized(layer: Any) -> list[Step]:
    import keras

    rank = layer.convolution.rank
    sizes = layer.size if isinstance(layer.size, tuple) else (layer.size,) * rank
    enlarge = getattr(keras.layers, f"UpSampling{rank}D")
    options = {} if rank != 2 else {"interpolation": layer.interpolation}
    return [Step(enlarge(sizes if rank > 1 else sizes[0], **options), ()), *_inner(layer)]


def _shuffled(layer: Any) -> list[Step]:
    """A convolution, and the shuffle as a transposed convolution with a kernel of ones and zeros."""
    import keras

    sizes = layer.size if isinstance(layer.size, tuple) else (layer.size,) * layer.convolution.rank
    deal = getattr(keras.layers, f"Conv{layer.convolution.rank}DTranspose")(
        layer.filters, sizes, strides=sizes, use_bias=False, trainable=False)
    return [*_inner(layer), Step(deal, [_dealt(sizes, layer.filters, layer.order)])]


def _inner(layer: Any) -> list[Step]:
    """The convolution inside, under a name of its own: all those inside are called alike."""
    return _turned(layer.convolution, f"{layer.name}_convolution")


def _dealt(sizes: tuple[int, ...], filters: int, order: str) -> Array:
    """The kernel `(*sizes, filters, filters * prod(sizes))` that puts each channel where the shuffle puts it."""
    block = int(np.prod(sizes))
    kernel = np.zeros((block, filters, block * filters), np.float32)
    for place in range(block):
        for channel in range(filters):
            at = place * filters + channel if order == "DCR" else channel * block + place
            kernel[place, channel, at] = 1
    return kernel.reshape(*sizes, filters, block * filters)


TURNS: dict[str, Callable[[Any], list[Step]]] = {
    "ResizeConv": _resized, "SubpixelConv": _shuffled, "Nested": lambda layer: []}
