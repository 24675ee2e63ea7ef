"""Convolution, transposed convolution and learned upsampling: to understand, choose, train, run, check and mend."""

from importlib import import_module
from typing import Any

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


def __getattr__(name: str) -> Any:
    if name != "convert":
        raise AttributeError(f"module 'tconv' has no attribute {name!r}")
    return import_module(".convert", __name__)  # which most who import this do not need
