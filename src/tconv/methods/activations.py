"""The activations that the engine can apply while it stores a result, and the same in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..errors import SettingError
from .channels import Array

__all__ = ["ACTIVATIONS", "activate"]


def _sigmoid(x: Array, slope: float) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


def _gelu(x: Array, slope: float) -> Array:
    beyond = np.vectorize(math.erfc, otypes=[np.float64])(-x.astype(np.float64) / math.sqrt(2))
    return 0.5 * x * beyond


def _gelu_tanh(x: Array, slope: float) -> Array:
    return x * _sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3), slope)


# In the order of the compiled part's enumeration (csrc/finish.h), which has one row for both of the first two.
ACTIVATIONS: dict[str, Callable[[Array, float], Array]] = {
    "relu": lambda x, slope: np.where(x < 0, 0, x),
    "leaky_relu": lambda x, slope: np.where(x < 0, slope * x, x),
    "sigmoid": _sigmoid,
    "tanh": lambda x, slope: np.tanh(x),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x, slope: x * _sigmoid(x, slope),
}


def activate(name: str, x: Array, slope: float = 0.0) -> Array:
    """An activation of an array, in its dtype.

    Args:
        name: one of `ACTIVATIONS`; `gelu` is the exact one, `gelu_tanh` the approximation (Hendrycks and Gimpel 2016).
        x: any shape, floating point.
        slope: what negative numbers are multiplied by in `leaky_relu`.

    Raises:
        SettingError: if there is no such activation.

    >>> activate("leaky_relu", np.array([-1.0, 2.0]), slope=0.5)
    array([-0.5,  2. ])
    """
    if name not in ACTIVATIONS:
        raise SettingError(f"activation is {name!r}, but has to be one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name](x, slope).astype(x.dtype, copy=False)
