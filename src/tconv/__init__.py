"""Convolution, transposed convolution and learned upsampling: to understand, choose, train, run, check and mend."""

from .errors import DataError, MissingExtra, SettingError, ShapeError, SizeError, TconvError, UnsupportedError
from .geometry import Axis, Problem, Spec, solve
from .operations import conv, conv_transpose, kernel_gradient

__version__ = "0.1.0"

__all__ = [
    "Axis",
    "DataError",
    "MissingExtra",
    "Problem",
    "SettingError",
    "ShapeError",
    "SizeError",
    "Spec",
    "TconvError",
    "UnsupportedError",
    "__version__",
    "conv",
    "conv_transpose",
    "kernel_gradient",
    "solve",
]
