"""A kernel that no longer changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..methods.channels import Array

__all__ = ["Packed"]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A kernel to be used many times: how it is laid out is kept, for the settings and sizes that it met lately.

    Args:
        array: a copy of its own, `(*K, D / groups, C)`, float32, that cannot be written to.
        layouts: the compiled part's; None in the portable package.
        address: where the array's numbers lie; NumPy takes a microsecond to tell.
    """

    array: Array
    layouts: Any
    address: int

    @classmethod
    def of(cls, kernel: Array, layouts: Any) -> Packed:
        """A kernel as it is now."""
        array = np.array(kernel, np.float32, order="C")
        array.flags.writeable = False
        return cls(array, layouts, array.ctypes.data)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the kernel."""
        return self.array.shape

    @property
    def steps(self) -> tuple[int, int, int]:
        """Numbers from tap to tap, from row to row and from column to column."""
        rows, columns = self.array.shape[-2:]
        return rows * columns, columns, 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float32."""
        return self.array.dtype
