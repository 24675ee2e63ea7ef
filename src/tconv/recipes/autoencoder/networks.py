"""The autoencoders' networks: one that keeps the size, one with a narrow place; decoders mirror the encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import use_backend

__all__ = ["BRIGHTNESS", "CODE", "KERNEL", "NARROW", "SIDE", "colouring", "decoder", "encoder", "narrow", "network"]

SIDE = 28
KERNEL = (3, 3)
NARROW = 4  # the stride 2 divides it, so that every cell of the way back is met by as many taps
CODE = "code"
BRIGHTNESS = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


def network(filters: Sequence[int] = (32, 16, 8), *, tied: bool = False, channels: tuple[int, int] = (1, 1),
            learning_rate: float = 0.002, backend: str | None = None) -> Any:
    """Convolutions in, as many transposed ones out: a compiled Keras model of images `(N, 28, 28, C)` in `0..1`.

    With the arguments as they are it has 12,785 parameters.

    Args:
        filters: channels after each convolution; the way back has the same in reverse.
        tied: whether the way back takes the very kernels of the way in, so that it needs no last convolution.
        channels: what comes in, and what goes out.
        learning_rate: of Adam.
        backend: the framework under Keras.
    """
    use_backend(backend)
    import keras

    from ..layers import Conv2D, Conv2DTranspose

    way_in = [Conv2D(count, KERNEL, activation="relu") for count in filters]
    if tied:
        way_back = [*(Conv2DTranspose(count, KERNEL, activation="relu") for count in reversed(filters[:-1])),
                    Conv2DTranspose(channels[1], KERNEL, activation="sigmoid")]
    else:
        way_back = [*(Conv2DTranspose(count, KERNEL, activation="relu") for count in reversed(filters)),
                    Conv2D(channels[1], KERNEL, padding="same", activation="sigmoid")]
    model = keras.Sequential([keras.Input((SIDE, SIDE, channels[0])), *way_in, *way_back], name="autoencoder")
    if tied:
        _tie(way_in, way_back)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy")
    return model


def colouring(filters: Sequence[int] = (32, 32, 32), *, learning_rate: float = 0.002,
              backend: str | None = None) -> Any:
    """Brightness `(N, H, W, 1)` in `0..1` to colours `(N, H, W, 3)` of that very brightness, whatever their size.

    What is learned is how far blue and red are from the brightness, and at the start they are not: a network that has
    learned nothing gives back the grey that it was shown. A last convolution of 1x1 makes colours of the three numbers
    and is not learned.

    Args:
        filters: channels after each convolution; the way back has the same in reverse.
        learning_rate: of Adam.
        backend: the framework under Keras.
    """
    use_backend(backend)
    import keras

    from ..layers import Conv2D, Conv2DTranspose

    grey = keras.Input((None, None, 1))
    x = grey
    for count in filters:
        x = Conv2D(count, KERNEL, activation="relu")(x)
    for count in reversed(filters):
        x = Conv2DTranspose(count, KERNEL, activation="relu")(x)
    differences = Conv2D(2, KERNEL, padding="same", kernel_initializer="zeros", name="differences")(x)
    mixed = Conv2D(3, 1, use_bias=False, trainable=False, name="colours")
    model = keras.Model(grey, mixed(keras.layers.Concatenate()([grey, differences])), name="colouring")
    mixed.set_weights([np.array(_mixture(), np.float32)[None, None]])
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="mean_squared_error")
    return model


def _mixture() -> list[list[float]]:
    """Rows are brightness and the distances of blue and of red from it, columns red, green and blue."""
    red, green, blue = BRIGHTNESS
    return [[1, 1, 1], [0, -blue / green, 1], [1, -red / green, 0]]


def narrow(filters: Sequence[int], sizes: Sequence[int], *, tied: bool = False, learning_rate: float = 0.002,
           backend: str | None = None) -> Any:
    """A 28x28 image through a code of few numbers: the grid is halved by each convolution and closed by the last one.

    Args:
        filters: channels after each halving, at most two.
        sizes: how many numbers of the code are used in training, one of these drawn for each image; the largest one
            is the code's size. The first numbers then say the most, as in a principal component analysis.
        tied: whether the way back takes the very kernels of the way in.
        learning_rate: of Adam.
        backend: the framework under Keras.
    """
    use_backend(backend)
    import keras

    from ..layers import Conv2D, Conv2DTranspose
    from .nested import Nested

    rest = SIDE // 2 ** len(filters)
    halving: dict[str, Any] = {"strides": 2, "padding": "same"}
    way_in = [*(Conv2D(count, NARROW, activation="relu", **halving) for count in filters),
              Conv2D(max(sizes), rest, name=CODE)]
    ends = [("relu", count) for count in reversed(filters)] + [("sigmoid", 1)]
    way_back = [Conv2DTranspose(count, NARROW if depth else rest, activation=name, **(halving if depth else {}))
                for depth, (name, count) in enumerate(ends)]
    between = [Nested(sizes)] if len(sizes) > 1 else []
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *way_in, *between, *way_back], name="autoencoder")
    if tied:
        _tie(way_in, way_back)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy")
    return model


def _tie(way_in: Sequence[Any], way_back: Sequence[Any]) -> None:
    """Let each transposed convolution hold the kernel of the convolution that it undoes.

    One kernel array serves both directions, so there is nothing to turn around. A saved model has plain layers again,
    with that kernel in both places.
    """
    for there, back in zip(way_in, reversed(way_back), strict=True):
        own = back.kernel
        back._tracker.unlock()
        back.kernel = there.kernel
        back._tracker.lock()
        # In the place of its own one, since a file holds a layer's variables by their places.
        rest = [variable for variable in back._trainable_variables if variable is not own]
        back._trainable_variables[:] = sorted(rest, key=lambda variable: variable is back.bias)


def encoder(model: Any) -> Any:
    """The part of a narrow network that ends in the code: `(N, 28, 28, 1)` to `(N, 1, 1, code)`."""
    import keras

    return keras.Model(model.inputs, model.get_layer(CODE).output)


def decoder(model: Any) -> Any:
    """The part that begins with it."""
    import keras

    names = [layer.name for layer in model.layers]
    after = model.layers[names.index(CODE) + 1 :]
    return keras.Sequential([keras.Input(model.get_layer(CODE).output.shape[1:]), *after])
