"""The collecting view: every output cell adds up what the window covers of a grid of real and added numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import Problem
from ..methods.channels import Array
from ..methods.gather import stuffed
from .cells import Index
from .steps import Steps

__all__ = ["Collect", "Window", "collect"]


@dataclass(frozen=True, slots=True)
class Window:
    """One step: the output cell, where its window starts on the grid, and the result there, shape `(D,)`."""

    index: Index
    start: Index
    values: Array


@dataclass(frozen=True)
class Collect:
    """The grid that the window slides over, and the kernel as it slides.

    Args:
        grid: for a transposed convolution the input with `stride - 1` zeros between its cells and a ring around them;
            for a convolution the padded input; shape `(*P, C)`.
        real: which places hold input cells, shape `P`; all others are added zeros.
        kernel: shape `(*K, D / groups, C)`, flipped for a transposed convolution.
        stride: how far the window moves: 1 for a transposed convolution, whatever its own stride.
        dilation: from one number under the window to the next.
        steps: one for each output cell.
    """

    grid: Array
    real: Array
    kernel: Array
    stride: Index
    dilation: Index
    steps: Sequence[Window]

    def covered(self, step: int) -> Array:
        """The numbers under one window, shape `(*K, C)`."""
        return self.grid[self.window(step)]

    def window(self, step: int) -> tuple[slice, ...]:
        """The places under one window, a slice for each axis."""
        rows = zip(self.steps[step].start, self.kernel.shape, self.dilation, strict=False)
        return tuple(slice(start, start + (taps - 1) * d + 1, d) for start, taps, d in rows)


def collect(x: Array, kernel: Array, problem: Problem, transposed: bool, result: Array) -> Collect:
    """The grid and windows of arrays without a batch; `result` is without its bias. See `Explanation.collect`."""
    fill = _stuffed if transposed else _padded
    stride = (1,) * problem.rank if transposed else problem.stride
    steps = Steps(result.shape[:-1], lambda index: Window(
        index, tuple(i * s for i, s in zip(index, stride, strict=True)), result[index]))
    real = fill(np.ones((*x.shape[:-1], 1), bool), problem)[..., 0]
    turned = np.flip(kernel, tuple(range(problem.rank))) if transposed else kernel
    return Collect(fill(x, problem), real, turned, stride, problem.dilation, steps)


def _stuffed(x: Array, problem: Problem) -> Array:
    return stuffed(x[None], problem)[0]


def _padded(x: Array, problem: Problem) -> Array:
    """The fine array as the windows see it: zeros where the padding is, without what a crop or a rest leaves out."""
    sizes = [axis.full(coarse) for axis, coarse in zip(problem.axes, problem.coarse, strict=True)]
    grid = np.zeros((*sizes, x.shape[-1]), x.dtype)
    into, of = [], []
    for size, lo, fine in zip(sizes, problem.lo, problem.fine, strict=True):
        first, last = max(0, lo), max(0, lo, min(size, fine + lo))
        into.append(slice(first, last))
        of.append(slice(first - lo, last - lo))
    grid[tuple(into)] = x[tuple(of)]
    return grid
