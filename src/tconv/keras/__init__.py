"""Keras layers that run on our engine: drop-in convolutions, transposed convolutions, and learned upsampling.

A script written for Keras runs with only its imports changed: `from tconv.keras import layers` for
`from keras import layers`, or `import tconv.keras as keras` for `import keras`: what is not ours is Keras' own.
"""

from typing import Any

from ..errors import MissingExtra

try:
    import keras as _keras
except ImportError:
    raise MissingExtra("tconv.keras", "keras", "keras") from None

from . import layers
from .acceleration import accelerate
from .convolution import Conv1D, Conv2D, Conv3D
from .crop_like import CropLike
from .initializers import ICNR, Bilinear, ICNRTransposed, PhaseVarianceScaling
from .resize_conv import ResizeConv, SubpixelConv
from .transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .unpooling import MaxPoolingWithIndices, MaxUnpooling
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D

__all__ = [
    "ICNR",
    "Bilinear",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "CropLike",
    "ICNRTransposed",
    "MaxPoolingWithIndices",
    "MaxUnpooling",
    "PhaseVarianceScaling",
    "ResizeConv",
    "SubpixelConv",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "accelerate",
    "layers",
]


def __getattr__(name: str) -> Any:
    return getattr(_keras, name)
