"""The same model with our layers in place of Keras' own."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from ..errors import UnsupportedError
from .convolution import Conv1D, Conv2D, Conv3D
from .freezing import frozen
from .transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose

__all__ = ["accelerate"]

REPLACED = {getattr(keras.layers, layer.__name__): layer
            for layer in (Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose)}


def accelerate(model: Any, *, freeze: bool = False) -> Any:
    """A copy of a model, with the same weights, whose convolutions are ours wherever they are Keras' own.

    With `freeze` it is a model for use that is not to be trained, and fused: batch norms go into the kernels, zeros
    around an input become padding, activations become part of the layer, and nearest upsampling with the convolution
    behind it becomes one transposed convolution, of fewer multiply-adds. Sequential and functional models are, and
    such within them; the inside of other models and layers is as without it.

    Args:
        model: Sequential, functional or of a class of its own with a `get_config`; built. Models and layers inside
            models and layers are found too; subclasses of Keras' convolutions are left as they are.
        freeze: whether to fuse it for use.

    Returns:
        A new model that shares no weights with the old one. If the old one is compiled the new one is compiled alike;
        its optimizer starts afresh.

    Raises:
        UnsupportedError: if Keras cannot copy the model.

    >>> model = keras.Sequential([keras.Input((8, 1)), keras.layers.Conv1D(2, 3)])
    >>> type(accelerate(model).layers[0]) is Conv1D
    True
    >>> up = keras.Sequential([keras.Input((8, 1)), keras.layers.UpSampling1D(), keras.layers.Conv1D(2, 3)])
    >>> [layer.strides for layer in accelerate(up, freeze=True).layers]
    [(2,)]
    """
    twin = _copied(model)
    for layer in twin._flatten_layers():
        if type(layer) in REPLACED:
            _become(layer, REPLACED[type(layer)])
    return frozen(twin) if freeze else twin


def _copied(model: Any) -> Any:
    graph = {"Sequential", "Functional"} & {kind.__name__ for kind in type(model).__mro__}
    options = {"clone_function": _clone, "recursive": True} if graph else {}
    try:
        twin = keras.models.clone_model(model, **options)
        if len(twin.weights) != len(model.weights):
            raise ValueError(f"its copy has {len(twin.weights)} weights instead of {len(model.weights)}")
        twin.set_weights(model.get_weights())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise UnsupportedError(
            f"accelerate: Keras cannot copy {model.name!r} of class {type(model).__name__} ({error}); build the model "
            "and give its class a get_config, or make it of tconv.keras.layers."
        ) from error
    return twin


def _clone(layer: Any) -> Any:
    """A layer with the same config; Keras will not read a function back, so a Lambda serves both models."""
    return layer if type(layer) is keras.layers.Lambda else type(layer).from_config(layer.get_config())


def _become(layer: Any, ours: type) -> None:
    """Ours has the attributes of Keras' layer and keeps its defaults in the class, so the class is all that changes."""
    layer.__class__ = ours
    layer._call_signature = inspect.signature(layer.call)
    layer.call_signature_parameters = list(layer._call_signature.parameters)
