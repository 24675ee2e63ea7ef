"""The sheet of the convolution matrix and its transpose, each times a vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from openpyxl import Workbook

from . import words
from .block import Block, reference
from .data import Data, results
from .lesson import Cell, Lesson, cells
from .page import GAP, Grid, Page

__all__ = ["matrix"]


Index = tuple[int, Cell]  # a channel, and a cell of its grid


def matrix(book: Workbook, lesson: Lesson, data: Data) -> tuple[Page, list[Block]]:
    """Draw both matrices, the layer's own times the input, and the other one times what that gives."""
    page = Page(book, "Matrix", words.TITLES["Matrix"], words.MATRIX, "kernel", width=4.8)
    given, made = _indices(lesson.ins, lesson.given), _indices(lesson.outs, lesson.made)
    coarse, fine = (given, made) if lesson.transposed else (made, given)
    page.heading("The convolution matrix (coarse rows, fine columns)")
    one = page.band([_convolution(page, lesson, data, coarse, fine)])[0]
    if not lesson.transposed:
        page.row = max(page.row, one.top + len(fine) + 1)  # the input is the taller one
    page.heading("Its transpose (fine rows, coarse columns)")
    two = page.band([Grid((one.columns, one.rows), lambda i, j: reference(one, j, i, page.name),
                          lambda i, j: page.look(one, j, i), rows=_labels(fine), columns=_labels(coarse))])[0]
    own, other = (two, one) if lesson.transposed else (one, two)
    x = _column(page, own, 0, Grid((len(given), 1), lambda i, _: _input(data, given[i], page), lesson.colours[0],
                                   rows=(), columns=("input",)))
    y = _column(page, own, 1, Grid((len(made), 1), lambda i, _: _times(own, i, x, page.name), lesson.colours[1],
                                   rows=(), columns=("product",)))
    page.heading("The product, laid out as a grid again, plus the bias")
    at = {index: row for row, index in enumerate(made)}
    grids = page.band(results(page, lesson, "Matrix", lambda d, i, j: (
        f"={y.cell(at[d, (i, j)], 0, seen_from=page.name)}{data.plus_bias(d)}")))
    page.heading("And back again")
    page.text(words.BACK)
    page.band([
        Grid((len(made), 1), lambda i, _: reference(y, i, 0, page.name), lesson.colours[1], columns=("product",),
             rows=_labels(made)),
        Grid((len(given), 1), lambda i, _: _times(other, i, y, page.name), lesson.colours[0], name="Back",
             columns=("back",), rows=_labels(given)),
        Grid((len(given), 1), lambda i, _: reference(x, i, 0, page.name), lesson.colours[0], columns=("input",),
             rows=_labels(given)),
    ])
    return page, grids


def _input(data: Data, index: Index, page: Page) -> str:
    return reference(data.x[index[0]], *index[1], page.name)


def _indices(channels: int, size: Cell) -> list[Index]:
    return list(product(range(channels), cells(size)))


def _labels(indices: Sequence[Index]) -> list[str]:
    """Cells as labels, with their channel where there are several."""
    several = indices[-1][0] > 0
    return [(f"{c}: " if several else "") + f"{i}, {j}" for c, (i, j) in indices]


def _entries(lesson: Lesson) -> Iterator[tuple[Index, Index, tuple[int, int], Cell]]:
    """Every (input index, output index, kernel slice, tap) that meet."""
    for out in range(lesson.outs):
        for join in lesson.joins(out):
            for made, pairs in lesson.meetings.items():
                for given, tap in pairs:
                    yield (join.channel, given), (out, made), (join.row, join.column), tap


def _convolution(page: Page, lesson: Lesson, data: Data, coarse: list[Index], fine: list[Index]) -> Grid:
    """The matrix with the kernel's cells in it; every other place holds a plain 0."""
    met = {(given, made) if lesson.transposed else (made, given): (at, tap)
           for given, made, at, tap in _entries(lesson)}

    def value(i: int, j: int) -> str | int:
        found = met.get((coarse[i], fine[j]))
        return 0 if found is None else reference(data.kernel[found[0]], *found[1], page.name)

    return Grid((len(coarse), len(fine)), value, lambda i, j: "kernel" if (coarse[i], fine[j]) in met else "added",
                name="Convolution_matrix", rows=_labels(coarse), columns=_labels(fine))


def _times(block: Block, row: int, vector: Block, page: str) -> str:
    """A row of a matrix times a column."""
    return f"=SUM(MMULT({block.area(row, 0, 1, seen_from=page)},{vector.area(seen_from=page)}))"


def _column(page: Page, beside: Block, number: int, grid: Grid) -> Block:
    """A vector at the right of a matrix, the first or the second."""
    left = beside.left + beside.columns + GAP + number * (1 + GAP)
    page.widest = max(page.widest, left + 1)
    return page.draw(grid, beside.top - 1, left)
