"""Upsampling that is not a transposed convolution: interpolation and pixel shuffling, and where the two worlds meet."""

from .exchange import ResizeConv, Subpixel, transposed_as_resize_conv, transposed_as_subpixel
from .fusion import resize_conv_as_transposed
from .interpolation import CONVENTIONS, INTERPOLATIONS, Convention, Interpolation, Stencil, matrix, resize, stencil
from .shuffle import ORDERS, pixel_shuffle, pixel_unshuffle

__all__ = [
    "CONVENTIONS",
    "INTERPOLATIONS",
    "ORDERS",
    "Convention",
    "Interpolation",
    "ResizeConv",
    "Stencil",
    "Subpixel",
    "matrix",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize",
    "resize_conv_as_transposed",
    "stencil",
    "transposed_as_resize_conv",
    "transposed_as_subpixel",
]
