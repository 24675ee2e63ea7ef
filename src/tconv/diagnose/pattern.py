"""What becomes of a flat input on its way through a stack of layers: one period of the pattern that they print."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError
from ..geometry import Spec
from ..methods.channels import Array, to_coarse, to_fine
from .gains import checked

__all__ = ["Stage", "pattern"]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One layer of a stack.

    Args:
        kernel: shape `(*K, D / groups, C)`: coarse channels C, fine channels D / groups, whichever way the layer goes.
        spec: the setting.
        transposed: whether the layer goes from coarse to fine.
        bias: shape `(channels out,)`, added after the layer; a batch norm is folded into it and into the kernel.
        activation: of every number behind that.
    """

    kernel: Array
    spec: Spec
    transposed: bool = True
    bias: Array | None = None
    activation: Callable[[Array], Array] | None = None

    def __call__(self, period: Array) -> Array:
        """One period of what comes out, for one period of what goes in, on grids without ends; `(*P, C)` each."""
        kernel = checked("pattern", self.kernel, self.spec)
        wanted = kernel.shape[-1] if self.transposed else kernel.shape[-2] * self.spec.groups
        if period.ndim != self.spec.rank + 1 or period.shape[-1] != wanted:
            raise ShapeError(f"pattern: a layer takes {wanted} channels on {self.spec.rank} axes, but gets an array of "
                             f"shape {period.shape}; give the stages in order.")
        out = self._scattered(period, kernel) if self.transposed else self._gathered(period, kernel)
        out = out if self.bias is None else out + self.bias
        return out if self.activation is None else self.activation(out)

    def _scattered(self, coarse: Array, kernel: Array) -> Array:
        sizes = [size * axis.stride for size, axis in zip(coarse.shape, self.spec.axes)]
        fine = np.zeros((*sizes, kernel.shape[-2] * self.spec.groups))
        for tap in np.ndindex(kernel.shape[:-2]):
            places = self._places(tap, coarse.shape[:-1], sizes)
            fine[places] += to_fine(coarse, kernel[tap], self.spec.groups)
        return fine

    def _gathered(self, fine: Array, kernel: Array) -> Array:
        repeats = [math.lcm(size, axis.stride) // size for size, axis in zip(fine.shape, self.spec.axes)]
        fine = np.tile(fine, (*repeats, 1))
        sizes = [size // axis.stride for size, axis in zip(fine.shape, self.spec.axes)]
        coarse = np.zeros((*sizes, kernel.shape[-1]))
        for tap in np.ndindex(kernel.shape[:-2]):
            coarse += to_coarse(fine[self._places(tap, sizes, fine.shape)], kernel[tap], self.spec.groups)
        return coarse

    def _places(self, tap: Sequence[int], coarse: Sequence[int], fine: Sequence[int]) -> tuple[Array, ...]:
        """The fine cells that the coarse ones meet by a tap, round a period."""
        return np.ix_(*((np.arange(cells) * axis.stride + t * axis.dilation - axis.lo) % size
                        for t, cells, axis, size in zip(tap, coarse, self.spec.axes, fine)))


def pattern(flat: ArrayLike, stages: Sequence[Stage]) -> Array:
    """One period of what a stack makes of a flat input, away from the ends.

    Args:
        flat: the value of every channel, shape `(C,)`.
        stages: the layers in order; an activation may stand behind each.

    Returns:
        Shape `(*P, D)`: the period P is the product of the strides, or less where convolutions stride back. Equal cells
        mean that no pattern is printed.

    Raises:
        ShapeError: if a layer does not fit the one before it.

    >>> ones = Stage(np.ones((3, 1, 1)), Spec.of(kernel=(3,), stride=2))
    >>> pattern([1.0], [ones]).ravel(), pattern([1.0], [ones, ones]).ravel()
    (array([2., 1.]), array([3., 2., 3., 1.]))
    """
    if not stages:
        raise ShapeError("pattern: stages is empty; give one layer or more.")
    period = np.asarray(flat, float).reshape((1,) * stages[0].spec.rank + (-1,))
    for stage in stages:
        period = stage(period)
    return period
