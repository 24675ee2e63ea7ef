"""A map cut to the size of another one, where a decoder meets what its encoder kept."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["CropLike"]


@keras.saving.register_keras_serializable(package="tconv")
class CropLike(keras.layers.Layer):
    """Cut the first of two maps to the grid of the second, at the end of each axis; both have their channels last.

    What was halved with `padding="same"` and doubled again has one cell too many where a size was odd. That cell is the
    last one, so what stays lies where it lay before: a U-Net with this layer takes pictures of any size.
    """

    def call(self, inputs: Any) -> Any:
        """`(N, *I, C)` and `(N, *O, D)`, no O larger than its I, to `(N, *O, C)`."""
        whole, like = inputs
        sizes = keras.ops.shape(like)[1:-1]
        return whole[(slice(None), *(slice(size) for size in sizes))]

    def compute_output_shape(self, shapes: Any) -> tuple[int | None, ...]:
        whole, like = shapes
        return (*like[:-1], whole[-1])
