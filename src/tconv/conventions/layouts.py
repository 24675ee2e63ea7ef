"""Kernel layouts: from the canonical `(*K, D / groups, C)` to each framework's, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlated", "from_channels_first", "plain", "regrouped", "to_channels_first"]

Array = NDArray[Any]


def plain(kernel: Array, arguments: Any = None) -> Array:
    """`(*K, D / groups, C)` as it is."""
    return kernel


def to_channels_first(kernel: Array, arguments: Any = None) -> Array:
    """`(*K, D / groups, C)` to `(C, D / groups, *K)`.

    >>> to_channels_first(np.ones((3, 5, 2, 4))).shape
    (4, 2, 3, 5)
    """
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def from_channels_first(kernel: Array, arguments: Any = None) -> Array:
    """`(C, D / groups, *K)` to `(*K, D / groups, C)`."""
    return np.moveaxis(kernel, (0, 1), (-1, -2))


def flipped(kernel: Array) -> Array:
    """`(*K, ...)` with every spatial axis turned round."""
    return np.flip(kernel, tuple(range(kernel.ndim - 2)))


def correlated(kernel: Array) -> Array:
    """`(*K, D, C)` to the kernel `(*K, C, D)` of a convolution over the stretched input, or back."""
    return np.swapaxes(flipped(kernel), -1, -2)


def regrouped(kernel: Array, groups: int) -> Array:
    """`(*K, D / groups, C)` to `(*K, C / groups, D)`, or back: each group's block turned over.

    >>> regrouped(np.ones((3, 2, 6)), groups=2).shape
    (3, 3, 4)
    """
    *taps, rows, columns = kernel.shape
    blocks = kernel.reshape(*taps, rows, groups, columns // groups)
    return np.moveaxis(blocks, -1, -3).swapaxes(-1, -2).reshape(*taps, columns // groups, groups * rows)
