"""NumPy arrays as the compiled part takes them, float32 or the bits of bfloat16; copied only where they must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..methods.channels import Array

__all__ = ["BITS", "FLOAT", "HALVES", "bits", "brain", "evenly", "floats", "narrowed", "serves"]

FLOAT, BITS = np.dtype(np.float32), np.dtype(np.uint16)
HALVES = ("float16", "bfloat16")
"""Dtypes of 16 bits, by name; NumPy has the second from the package ml_dtypes."""


def serves(array: Any) -> bool:
    """Whether the compiled part takes this NumPy array: float32 or 16 bits, one to three axes."""
    return 3 <= array.ndim <= 5 and (array.dtype == FLOAT or array.dtype.name in HALVES)


def brain(array: Any) -> bool:
    """Whether an array is one of bfloat16, or of its bits."""
    return array.dtype != FLOAT and (array.dtype == BITS or array.dtype.name == "bfloat16")


def bits(array: Array) -> Array:
    """An array of bfloat16 in C order, as its bits."""
    return np.ascontiguousarray(array).view(BITS)


def floats(array: Array) -> Array:
    """An array as float32 in C order."""
    return array if array.flags.c_contiguous and array.dtype == FLOAT else np.ascontiguousarray(array, FLOAT)


def evenly(kernel: Array) -> Array:
    """A kernel in an order in which its taps lie evenly: its own, if they do."""
    if kernel.dtype not in (FLOAT, BITS):
        return floats(kernel)
    if kernel.flags.c_contiguous and kernel.dtype.isnative:
        return kernel
    steps, sizes = kernel.strides[:-2], kernel.shape[:-2]
    even = all(step == sizes[i + 1] * steps[i + 1] for i, step in enumerate(steps[:-1]))
    native = kernel.dtype.isnative and not any(step % kernel.itemsize for step in kernel.strides)
    return kernel if even and native else np.ascontiguousarray(kernel)


def narrowed(out: Array, first: Array, second: Any) -> Array:
    """A result in the dtype that NumPy gives a product of these arrays."""
    if first.dtype == FLOAT == second.dtype:
        return out
    return out.astype(np.result_type(first, second), copy=False)
