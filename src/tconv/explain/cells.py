"""Which products made one cell of the result: every number under the window, real or added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ..geometry import Problem
from ..methods.channels import Array

__all__ = ["Cell", "Index", "Number", "Term", "cell", "input_channels", "meetings"]

Index = tuple[int, ...]
Number = int | float


@dataclass(frozen=True, slots=True)
class Term:
    """One product under the window.

    Args:
        cell: the input cell that was read; None where an added zero was.
        place: the same on the collecting view's grid, stuffed or padded.
        tap: index into the kernel as it was given, not flipped.
        channel: the input channel.
        x, kernel, product: the numbers.
        added: whether `x` is a zero that only the collecting view adds.
    """

    cell: Index | None
    place: Index
    tap: Index
    channel: int
    x: Number
    kernel: Number
    product: Number
    added: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the result, and all that went into it: `value = sum of products + bias`."""

    index: Index
    channel: int
    terms: tuple[Term, ...]
    bias: Number
    value: Number

    @property
    def real(self) -> tuple[Term, ...]:
        """The terms that read an input cell; the others are products with added zeros."""
        return tuple(term for term in self.terms if not term.added)


def meetings(problem: Problem, transposed: bool, index: Index) -> Iterator[tuple[Index, Index, Index | None]]:
    """Every tap over one output cell, in the order of the window: `(place, tap, input cell or None)`.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> list(meetings(problem_from_coarse(Spec.of(kernel=(2,), stride=2), (1,)), True, (1,)))
    [((1,), (1,), (0,)), ((2,), (0,), None)]
    """
    one = _collected if transposed else _covered
    per_axis = [one(problem, axis, at) for axis, at in enumerate(index)]
    for found in product(*per_axis):
        places, taps, cells = zip(*found, strict=True)
        yield places, taps, None if None in cells else cells


def _collected(problem: Problem, axis: int, fine: int) -> list[tuple[int, int, int | None]]:
    """One axis of a fine cell's window over the stuffed grid: the kernel is flipped, so the last tap comes first."""
    taps, stride, step = problem.kernel[axis], problem.stride[axis], problem.dilation[axis]
    found: list[tuple[int, int, int | None]] = []
    for turned in range(taps):
        tap = taps - 1 - turned
        cell, rest = divmod(fine + problem.lo[axis] - tap * step, stride)
        inside = rest == 0 and 0 <= cell < problem.coarse[axis]
        found.append((fine + turned * step, tap, cell if inside else None))
    return found


def _covered(problem: Problem, axis: int, coarse: int) -> list[tuple[int, int, int | None]]:
    """One axis of a coarse cell's window over the padded fine grid."""
    found: list[tuple[int, int, int | None]] = []
    for tap in range(problem.kernel[axis]):
        place = coarse * problem.stride[axis] + tap * problem.dilation[axis]
        cell = place - problem.lo[axis]
        found.append((place, tap, cell if 0 <= cell < problem.fine[axis] else None))
    return found


def input_channels(kernel: Array, groups: int, transposed: bool, channel: int) -> list[tuple[int, int, int]]:
    """What an output channel reads: `(input channel, row, column)`, the last two where its taps are in the kernel."""
    rows, columns = kernel.shape[-2], kernel.shape[-1] // groups
    if transposed:
        group, row = divmod(channel, rows)
        return [(column, row, column) for column in range(group * columns, (group + 1) * columns)]
    group = channel // columns
    return [(group * rows + row, row, channel) for row in range(rows)]


def cell(x: Array, kernel: Array, problem: Problem, transposed: bool, index: Index, channel: int,
         bias: Array | None) -> Cell:
    """One cell of the result, of arrays without a batch; see `Explanation.cell`."""
    terms = []
    for place, tap, source in meetings(problem, transposed, index):
        for number, row, column in input_channels(kernel, problem.groups, transposed, channel):
            value = 0 if source is None else x[(*source, number)].item()
            weight = kernel[(*tap, row, column)].item()
            terms.append(Term(source, place, tap, number, value, weight, value * weight, source is None))
    offset = 0 if bias is None else bias[channel].item()
    return Cell(index, channel, tuple(terms), offset, sum(term.product for term in terms) + offset)
