"""Two models' outputs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Difference", "difference", "differences"]

Array = NDArray[Any]
OFTEN = 4  # times the noise: sums in another order are rounded otherwise in more than one place


@dataclass(frozen=True)
class Difference:
    """How far a value is from what it should be.

    Args:
        largest: the largest difference of two numbers, infinite where shapes, types or places of NaN differ.
        scale: the largest number of the original, 1 if all are 0.
        value: its name.
        noise: how far the original is from itself, run as it is written and as the runtime fuses it.
    """

    largest: float = 0.0
    scale: float = 1.0
    value: str = ""
    noise: float = 0.0

    def within(self, tolerance: float) -> bool:
        """Whether it is no more than a share of the largest number, or than a few times what rounding does anyway.

        >>> Difference(3e-7, 1e-5, noise=1e-7).within(1e-4), Difference(3e-6, 1e-5, noise=1e-7).within(1e-4)
        (True, False)
        """
        return self.largest <= max(tolerance * self.scale, OFTEN * self.noise)

    @property
    def relative(self) -> float:
        """The largest difference as a share of the largest number."""
        return self.largest / self.scale


def difference(original: Array, other: Array, value: str = "") -> Difference:
    """Compare two arrays; whole numbers and truth values have to be the same.

    >>> difference(np.array([2.0, 4.0]), np.array([2.0, 4.5])).relative
    0.125
    """
    if original.shape != other.shape or original.dtype != other.dtype:
        return Difference(np.inf, 1.0, value)
    if original.dtype.kind not in "fc":
        return Difference(0.0 if np.array_equal(original, other) else np.inf, 1.0, value)
    known = np.isfinite(original)
    if not np.array_equal(original[~known], other[~known], equal_nan=True):
        return Difference(np.inf, 1.0, value)
    a, b = original[known].astype(np.float64), other[known].astype(np.float64)
    scale = float(np.abs(a).max(initial=0.0))
    largest = float(np.abs(a - b).max(initial=0.0))
    return Difference(np.inf if np.isnan(largest) else largest, scale or 1.0, value)


def differences(names: Sequence[str], originals: Sequence[Array], others: Sequence[Array]) -> list[Difference]:
    """Several values, one by one."""
    return [difference(*row) for row in zip(originals, others, names, strict=True)]
