"""Steps that are made when they are looked at: a large layer has many, and most are never asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, overload

import numpy as np

from .cells import Index

__all__ = ["Steps"]

T = TypeVar("T")


class Steps(Sequence[T], Generic[T]):
    """One step for each cell of a grid, in row-major order; each is made once.

    >>> steps = Steps((2, 2), lambda cell: f"at {cell}")
    >>> len(steps), steps[-1], steps[:2]
    (4, 'at (1, 1)', ('at (0, 0)', 'at (0, 1)'))
    """

    def __init__(self, sizes: Index, make: Callable[[Index], T]):
        self._sizes, self._make = sizes, make
        self._made: dict[int, T] = {}

    def __len__(self) -> int:
        return math.prod(self._sizes)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...

    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        if isinstance(at, slice):
            return tuple(self[number] for number in range(*at.indices(len(self))))
        number = range(len(self))[at]
        if number not in self._made:
            self._made[number] = self._make(tuple(map(int, np.unravel_index(number, self._sizes))))
        return self._made[number]
