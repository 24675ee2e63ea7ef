"""Two small image generators of equal size: one resizes and then convolves, the other does both in one layer.

Each makes a 10x10 image of 100 random numbers. The second needs a quarter of the multiply-adds in its last layer, but
its 3x3 kernel at stride 2 overlaps unevenly: 4, 2, 2 and 1 taps meet in its four phases.
"""

from __future__ import annotations

from typing import Any

from .backend import use_backend

__all__ = ["transposed_generator", "upsampling_generator"]

LATENT = 100


def upsampling_generator(backend: str | None = None) -> Any:
    """Dense 100 to 5x5x128, nearest upsampling by 2, 3x3 'same' convolution to 1: a Keras model, 324,353 parameters."""
    use_backend(backend)
    import keras

    from .layers import Conv2D, UpSampling2D

    return keras.Sequential([*_seed_image(), UpSampling2D(), Conv2D(1, (3, 3), padding="same")])


def transposed_generator(backend: str | None = None) -> Any:
    """Dense 100 to 5x5x128, 3x3 'same' transposed convolution of stride 2 to 1: a Keras model of 324,353 parameters."""
    use_backend(backend)
    import keras

    from .layers import Conv2DTranspose

    return keras.Sequential([*_seed_image(), Conv2DTranspose(1, (3, 3), strides=(2, 2), padding="same")])


def _seed_image() -> list[Any]:
    import keras

    return [keras.Input((LATENT,)), keras.layers.Dense(128 * 5 * 5), keras.layers.Reshape((5, 5, 128))]
