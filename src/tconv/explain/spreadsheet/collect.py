"""The sheet of the collecting view: a grid of real and added numbers, and one sum of products for each output cell."""

from __future__ import annotations

from dataclasses import dataclass, replace

from openpyxl import Workbook

from . import words
from .block import Block, reference
from .data import Data, channel, kernel_title, results
from .lesson import Cell, Lesson
from .page import Grid, Page

__all__ = ["Collected", "collect", "window"]



@dataclass(frozen=True)
class Sliding:
    """How a window slides along an axis: input cell i lies at `start + i * gap`, window o begins at `o * step`."""

    start: int
    gap: int
    step: int
    size: int

    def real(self, place: int, given: int) -> int | None:
        """The input cell at a place of the grid, or None where a zero was added."""
        cell, rest = divmod(place - self.start, self.gap)
        return cell if rest == 0 and 0 <= cell < given else None


@dataclass(frozen=True)
class Collected:
    """Where the collecting view is: a grid for each input channel, a kernel for each slice, the results."""

    grids: list[Block]
    kernels: dict[tuple[int, int], Block]
    made: list[Block]


def window(lesson: Lesson) -> tuple[Sliding, Sliding]:
    """How the window slides, on both axes."""
    problem = lesson.problem

    def axis(a: int) -> Sliding:
        if lesson.transposed:
            ring = lesson.reach[a] - 1
            return Sliding(ring - problem.lo[a], problem.stride[a], 1, problem.fine[a] + ring)
        return Sliding(problem.lo[a], 1, problem.stride[a], problem.axes[a].full(problem.coarse[a]))

    return axis(0), axis(1)


def collect(book: Workbook, lesson: Lesson, data: Data) -> tuple[Page, Collected]:
    """Draw the grid, the kernel as it slides, and the result."""
    page = Page(book, "Collect", words.TITLES["Collect"], words.COLLECT[lesson.transposed], "fine")
    page.heading("The input, stuffed and ringed with zeros" if lesson.transposed else "The input, padded with zeros")
    grids = page.band([_grid(page, lesson, data, c) for c in range(lesson.ins)])
    page.heading(_kernel_heading(lesson))
    kernels = dict(zip(data.kernel, page.band([_kernel(page, lesson, data, *at) for at in data.kernel]), strict=True))
    page.heading("The result: products summed, plus the bias")
    found = Collected(grids, kernels, [])
    made = page.band(results(page, lesson, "Collect", lambda d, i, j: _sum(page, lesson, data, found, d, (i, j))))
    return page, replace(found, made=made)


def _kernel_heading(lesson: Lesson) -> str:
    turned = "The kernel, turned by 180 degrees" if lesson.transposed else "The kernel"
    return turned + (", with zeros between its taps (dilation)" if max(lesson.problem.dilation) > 1 else "")


def _grid(page: Page, lesson: Lesson, data: Data, c: int) -> Grid:
    rows, columns = window(lesson)

    def real(i: int, j: int) -> Cell | None:
        row, column = rows.real(i, lesson.given[0]), columns.real(j, lesson.given[1])
        return None if row is None or column is None else (row, column)

    def value(i: int, j: int) -> str | int:
        cell = real(i, j)
        return 0 if cell is None else reference(data.x[c], *cell, page.name)

    return Grid((rows.size, columns.size), value, lambda i, j: lesson.colours[0] if real(i, j) else "added",
                channel(c, lesson.ins))


def _kernel(page: Page, lesson: Lesson, data: Data, row: int, column: int) -> Grid:
    def tap(place: int, axis: int) -> int | None:
        place = lesson.reach[axis] - 1 - place if lesson.transposed else place
        index, rest = divmod(place, lesson.problem.dilation[axis])
        return index if rest == 0 else None

    def at(i: int, j: int) -> Cell | None:
        first, second = tap(i, 0), tap(j, 1)
        return None if first is None or second is None else (first, second)

    def value(i: int, j: int) -> str | int:
        cell = at(i, j)
        return 0 if cell is None else reference(data.kernel[row, column], *cell, page.name)

    return Grid(lesson.reach, value, lambda i, j: "kernel" if at(i, j) else "added", kernel_title(lesson, row, column))


def _sum(page: Page, lesson: Lesson, data: Data, found: Collected, out: int, cell: Cell) -> str:
    top, left = (at * axis.step for at, axis in zip(cell, window(lesson), strict=True))
    sums = (f"SUMPRODUCT({found.grids[join.channel].area(top, left, *lesson.reach, seen_from=page.name)},"
            f"{found.kernels[join.row, join.column].area(seen_from=page.name)})" for join in lesson.joins(out))
    return "=" + "+".join(sums) + data.plus_bias(out)
