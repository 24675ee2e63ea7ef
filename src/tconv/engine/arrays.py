"""NumPy arrays as the compiled part takes them, float32 or the bits of bfloat16; copied only where they must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..methods.channels import Array

__all__ = ["bits", "brains", "evenly", "floats", "narrowed"]


def brains(*arrays: Any) -> bool:
    """Whether all are arrays of bfloat16, or of its bits."""
    return all(array.dtype != np.float32 and (array.dtype == np.uint16 or array.dtype.name == "bfloat16")
               for array in arrays)


def bits(array: Array) -> Array:
    """An array of bfloat16 in C order, as its bits."""
    return np.ascontiguousarray(array).view(np.uint16)


def floats(array: Array) -> Array:
    """An array as float32 in C order."""
    return array if array.flags.c_contiguous and array.dtype == np.float32 else np.ascontiguousarray(array, np.float32)


def evenly(kernel: Array) -> Array:
    """A kernel in an order in which its taps lie evenly: its own, if they do."""
    if kernel.dtype not in (np.float32, np.uint16):
        return floats(kernel)
    if kernel.flags.c_contiguous and kernel.dtype.isnative:
        return kernel
    steps, sizes = kernel.strides[:-2], kernel.shape[:-2]
    even = all(step == sizes[i + 1] * steps[i + 1] for i, step in enumerate(steps[:-1]))
    native = kernel.dtype.isnative and not any(step % kernel.itemsize for step in kernel.strides)
    return kernel if even and native else np.ascontiguousarray(kernel)


def narrowed(out: Array, first: Array, second: Any) -> Array:
    """A result in the dtype that NumPy gives a product of these arrays."""
    if first.dtype == second.dtype == np.float32:
        return out
    return out.astype(np.result_type(first, second), copy=False)
