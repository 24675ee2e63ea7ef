"""What the workbook teaches, as plain indices: one layer, seen from its input to its output, on two axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ...geometry import Problem, sources
from ...methods.channels import Array

__all__ = ["Cell", "Join", "Lesson", "lesson"]

Cell = tuple[int, int]


class Join(NamedTuple):
    """An input channel that an output channel listens to, and the kernel between them: `kernel[..., row, column]`."""

    channel: int
    row: int
    column: int


@dataclass(frozen=True)
class Lesson:
    """A layer and its numbers; one axis is shown as a grid of one row.

    Args:
        problem: the setting met by its sizes, on two axes.
        rank: how many axes the layer has, 1 or 2.
        transposed: whether the input is the coarse grid.
        x: the input, shape `(H, W, channels)`.
        kernel: shape `(K, L, D / groups, C)`.
        bias: one number for each output channel.
    """

    problem: Problem
    rank: int
    transposed: bool
    x: Array
    kernel: Array
    bias: Array

    @property
    def given(self) -> Cell:
        """The size of the input grid."""
        return _pair(self.problem.coarse if self.transposed else self.problem.fine)

    @property
    def made(self) -> Cell:
        """The size of the output grid."""
        return _pair(self.problem.fine if self.transposed else self.problem.coarse)

    @property
    def colours(self) -> tuple[str, str]:
        """The names of the input grid and the output grid, which are also those of their colours."""
        return ("coarse", "fine") if self.transposed else ("fine", "coarse")

    @property
    def ins(self) -> int:
        """Number of input channels."""
        return int(self.x.shape[-1])

    @property
    def outs(self) -> int:
        """Number of output channels."""
        return len(self.bias)

    @property
    def reach(self) -> Cell:
        """Fine samples from the first tap to the last, axis by axis."""
        return _pair(axis.reach for axis in self.problem.axes)

    def joins(self, out: int) -> list[Join]:
        """The input channels of an output channel's group."""
        rows, columns = self.kernel.shape[2], self.kernel.shape[3] // self.problem.groups
        if self.transposed:
            first = out // rows * columns
            return [Join(c, out % rows, c) for c in range(first, first + columns)]
        first = out // columns * rows
        return [Join(d, d % rows, out) for d in range(first, first + rows)]

    @cached_property
    def meetings(self) -> dict[Cell, list[tuple[Cell, Cell]]]:
        """For each output cell, the `(input cell, tap)` pairs that make it, by input cell."""
        found: dict[Cell, list[tuple[Cell, Cell]]] = {cell: [] for cell in cells(self.made)}
        for coarse, tap, fine in _meetings(self.problem):
            given, made = (coarse, fine) if self.transposed else (fine, coarse)
            found[made].append((given, tap))
        return {cell: sorted(pairs) for cell, pairs in found.items()}

    @property
    def products(self) -> int:
        """How many products of an input and a tap one pair of channels takes."""
        return sum(map(len, self.meetings.values()))

    def with_problem(self, problem: Problem) -> Lesson:
        """The same numbers under another setting."""
        return replace(self, problem=problem)


def cells(size: Cell) -> Iterator[Cell]:
    """Every cell of a grid, row by row."""
    yield from product(range(size[0]), range(size[1]))


def _pair(values: Any) -> Cell:
    first, second = values
    return int(first), int(second)


def _meetings(problem: Problem) -> Iterator[tuple[Cell, Cell, Cell]]:
    """Every (coarse cell, tap, fine cell) of a problem on two axes."""
    rows, columns = (
        [(cell, tap, fine) for fine in range(size) for cell, tap in sources(axis, fine, coarse=coarse)]
        for axis, coarse, size in zip(problem.axes, problem.coarse, problem.fine, strict=True)
    )
    for row, column in product(rows, columns):
        yield (row[0], column[0]), (row[1], column[1]), (row[2], column[2])


def lifted(problem: Problem) -> Problem:
    """The same problem on two axes: a lone axis lies in a grid of one row."""
    if problem.rank == 2:
        return problem
    one = {name: (1, *getattr(problem, name)) for name in ("kernel", "stride", "dilation", "coarse", "fine")}
    return Problem(lo=(0, *problem.lo), groups=problem.groups, **one)


def lesson(problem: Problem, transposed: bool, x: Array, kernel: Array, bias: Array | None) -> Lesson:
    """Lift a problem and its arrays to two axes.

    Args:
        problem: on one axis or two.
        transposed: whether `x` is the coarse array.
        x: one example, shape `(*grid, channels)`.
        kernel: shape `(*K, D / groups, C)`.
        bias: shape `(output channels,)`; none is shown as zeros.
    """
    outs = kernel.shape[-2] * problem.groups if transposed else kernel.shape[-1]
    if problem.rank == 1:
        x, kernel = x[np.newaxis], kernel[np.newaxis]
    bias = np.zeros(outs, int) if bias is None else bias
    return Lesson(lifted(problem), problem.rank, transposed, x, kernel, bias)
