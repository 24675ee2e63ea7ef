"""The layers of a Keras model as geometry knows them."""

from __future__ import annotations

from typing import Any

from ..conventions import keras as convention
from ..geometry import Problem

__all__ = ["Shape", "convolution", "is_transposed", "problem_of", "settled"]

Shape = tuple[int, ...]


def convolution(layer: Any) -> Any:
    """The convolution inside of a layer that resizes or shuffles around it; else the layer itself."""
    return getattr(layer, "convolution", None) or layer


def is_transposed(layer: Any) -> bool:
    """Whether a convolution is a transposed one."""
    return type(layer).__name__.endswith("Transpose")


def problem_of(layer: Any, taken: Shape, given: Shape) -> Problem | None:
    """A convolution's setting met by these sizes; None where the layer is no convolution.

    Args:
        layer: of Keras or of this package, transposed or not.
        taken: shape of its input without the batch, `(*I, C)`.
        given: shape of its output, `(*O, D)`.
    """
    if not hasattr(layer, "kernel_size"):
        return None
    setting = {"kernel_size": layer.kernel_size, "strides": layer.strides, "padding": layer.padding,
               "dilation_rate": layer.dilation_rate, "groups": getattr(layer, "groups", 1)}
    if not is_transposed(layer):
        return convention.conv_problem(**setting, fine=taken[:-1])
    return convention.transposed_problem(**setting, output_padding=layer.output_padding, coarse=taken[:-1],
                                         output_size=None if layer.output_padding is not None else given[:-1])


def settled(model: Any, shape: Shape | None) -> Any:
    """A copy for inputs of this size; its values are fresh, which neither sizes nor times depend on."""
    import keras

    return keras.models.clone_model(model, input_tensors=keras.Input(shape))
