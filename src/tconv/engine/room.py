"""Where results go."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..methods.channels import Array
from .arrays import FLOAT
from .compiled import native

__all__ = ["room", "taken_again"]


def room(shape: tuple[int, ...], dtype: np.dtype[Any] = FLOAT) -> Array:
    """Memory for a result; a large one takes that of one before it, and begins with a line of memory."""
    count = math.prod(shape)
    size = count * dtype.itemsize
    if not taken_again(size):
        return np.empty(shape, dtype)
    memory: Array = native.room(-(-size // FLOAT.itemsize))
    return memory.view(dtype)[:count].reshape(shape)


def taken_again(size: int) -> bool:
    """Whether a result of so many bytes is a large one, which goes where one before it was."""
    return bool(size >= native.streams_from())
