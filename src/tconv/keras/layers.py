"""All of `keras.layers`, with our layers in place of Keras' own and the ones that Keras lacks.

`from tconv.keras import layers` stands in for `from keras import layers`; so does `from tconv.keras.layers import ...`.
"""

from __future__ import annotations

from typing import Any

import keras

from .convolution import Conv1D, Conv2D, Conv3D
from .crop_like import CropLike
from .resize_conv import ResizeConv, SubpixelConv
from .transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .unpooling import MaxPoolingWithIndices, MaxUnpooling
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D

OURS: dict[str, Any] = {
    layer.__name__: layer
    for layer in (Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, UpSampling1D, UpSampling2D,
                  UpSampling3D, ResizeConv, SubpixelConv, CropLike, MaxPoolingWithIndices, MaxUnpooling)
}

__all__ = sorted({*OURS, *(name for name in dir(keras.layers) if not name.startswith("_"))})


def __getattr__(name: str) -> Any:
    """Keras' layer of this name, or ours under another of its names (`Convolution2D` is `Conv2D`)."""
    theirs = getattr(keras.layers, name)
    return OURS.get(getattr(theirs, "__name__", name), theirs) if name in __all__ else theirs


def __dir__() -> list[str]:
    return __all__
