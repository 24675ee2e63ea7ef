"""The layers that recipes are built of; importing this imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from ..keras import Conv2D, Conv2DTranspose, ResizeConv, SubpixelConv, UpSampling2D

__all__ = ["UPSAMPLERS", "Conv2D", "Conv2DTranspose", "Still", "UpSampling2D"]


def _transposed(filters: int, kernel: int, **options: Any) -> Any:
    return Conv2DTranspose(filters, kernel, strides=2, padding="same", **options)


UPSAMPLERS: dict[str, Callable[..., Any]] = {"transposed": _transposed, "resize": ResizeConv, "subpixel": SubpixelConv}
"""Layers that double both sides, called with filters, taps on each side, and options of a convolution."""


class Still(keras.layers.Layer):  # type: ignore[misc]
    """A network looked through but not changed: gradients pass to its input, none to its weights.

    Args:
        network: a built Keras model whose calls change no state.
    """

    def __init__(self, network: Any, **options: Any):
        super().__init__(**options)
        self.network = network

    def call(self, inputs: Any) -> Any:
        weights = [ops.stop_gradient(weight) for weight in self.network.trainable_variables]
        outputs, _ = self.network.stateless_call(weights, self.network.non_trainable_variables, inputs)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.network.compute_output_shape(input_shape)
