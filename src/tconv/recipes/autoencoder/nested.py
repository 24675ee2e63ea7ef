"""A layer that lets a code be cut short: importing this imports Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["Nested"]


@keras.saving.register_keras_serializable(package="tconv")
class Nested(keras.layers.Layer):
    """In training, keeps the first numbers of each code only, so many as one of `sizes` that is drawn for it.

    The first numbers learn to say the most (Rippel, Gelbart, Adams: Learning Ordered Representations with Nested
    Dropout, ICML 2014), so that one network serves all sizes. Outside of training nothing is cut off.

    Args:
        sizes: numbers that are kept.
        seed: of what is drawn; by default from Keras' own.
        **options: of a layer.
    """

    def __init__(self, sizes: Sequence[int], seed: int | None = None, **options: Any):
        super().__init__(**options)
        self.sizes = tuple(sizes)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        kept = np.arange(inputs.shape[-1]) < np.array(self.sizes)[:, None]
        drawn = keras.random.randint((ops.shape(inputs)[0],), 0, len(self.sizes), seed=self.seed_generator)
        masks = ops.take(ops.convert_to_tensor(kept.astype("float32")), drawn, axis=0)
        return inputs * ops.cast(masks, inputs.dtype)[:, None, None, :]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sizes": list(self.sizes)}
