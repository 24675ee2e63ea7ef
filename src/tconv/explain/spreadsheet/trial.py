"""The sheet on which the setting is alive, too: stride, dilation and crop are cells to edit."""

from __future__ import annotations

from dataclasses import dataclass

from openpyxl import Workbook

from . import words
from .block import Block
from .data import Data
from .lesson import Lesson, cells
from .page import GAP, Grid, Page

__all__ = ["trial"]

DRAWN = {1: (1, 40), 2: (14, 20)}  # rows and columns of the result that have a place, by the number of axes
SETTINGS = ("stride", "dilation", "start", "end", "size")
LEAST = {"stride": 1, "dilation": 1, "start": -20, "end": -20}
MOST = 20


@dataclass(frozen=True)
class Alive:
    """Where the sheet's parts are: a row of settings for each of the axes, the indices, the products."""

    axes: tuple[int, ...]
    setting: Block
    cells: Block
    taps: Block
    table: Block


def trial(book: Workbook, lesson: Lesson, data: Data) -> Page:
    """Draw the setting, the result under it, and the table of all products that it is added up from."""
    page = Page(book, "Try", words.TITLES["Try"], words.TRY[lesson.transposed], "kernel")
    axes = (1,) if lesson.rank == 1 else (0, 1)
    page.heading("Setting (edit me), and the size of the result")
    setting = page.band([Grid((len(axes), len(SETTINGS)), lambda i, j: _setting(lesson, axes[i], j),
                              lambda _, j: "kernel edit" if j < len(LEAST) else "number", name="Try_setting",
                              rows=("rows", "columns")[-len(axes):], columns=SETTINGS)])[0]
    _finish_setting(page, lesson, setting, axes)
    which = ", channel 0" if lesson.outs > 1 else ""
    page.heading(f"The result{which}{words.TRY_SHOWN.format(*DRAWN[lesson.rank])}")
    made = page.band([Grid(DRAWN[lesson.rank], lambda *_: None, "empty", name="Try")])[0]
    page.heading("All products of an input cell (left) and a tap (above)")
    alive = Alive(axes, setting, *_table(page, lesson, data))
    page.fill(made, lambda i, j: _value(page, lesson, data, alive, (i, j)), "empty")
    page.light_up(made, f'{made.cell(0, 0, seen_from=page.name)}<>""', lesson.colours[1], 0.3)
    return page


def _setting(lesson: Lesson, axis: int, column: int) -> int | None:
    problem = lesson.problem
    values = (problem.stride[axis], problem.dilation[axis], problem.lo[axis], problem.hi[axis])
    return values[column] if column < len(values) else None


def _finish_setting(page: Page, lesson: Lesson, setting: Block, axes: tuple[int, ...]) -> None:
    """Say what each cell takes, and compute the sizes."""
    for column, (name, least) in enumerate(LEAST.items()):
        page.only(Block(page.name, setting.top, setting.left + column, len(axes), 1), "whole",
                  f"Please type a whole number from {least} to {MOST} as the {name}.", operator="between",
                  formula1=str(least), formula2=str(MOST))
    sizes = Block(page.name, setting.top, setting.left + len(LEAST), len(axes), 1)
    page.fill(sizes, lambda i, _: _size(page, lesson, setting, i, axes[i]), "number")


def _size(page: Page, lesson: Lesson, setting: Block, row: int, axis: int) -> str:
    stride, dilation, start, end = (setting.cell(row, column, seen_from=page.name) for column in range(4))
    given, reach = lesson.given[axis], f"{lesson.problem.kernel[axis] - 1}*{dilation}+1"
    if lesson.transposed:
        return f"=MAX({given - 1}*{stride}+{reach}-{start}-{end},0)"
    return f"=MAX(INT(({given}+{start}+{end}-({reach}))/{stride})+1,0)"


def _table(page: Page, lesson: Lesson, data: Data) -> tuple[Block, Block, Block]:
    """The products, with the indices of their cells at the left and of their taps above."""
    kernel = lesson.problem.kernel
    rows = [(join, cell) for join in lesson.joins(0) for cell in cells(lesson.given)]
    taps = list(cells((kernel[0], kernel[1])))
    top, left = page.row + 2, 2 + 2
    above = page.draw(Grid((2, len(taps)), lambda i, j: taps[j][i], "index", rows=(), columns=()), page.row, left)
    side = page.draw(Grid((len(rows), 2), lambda i, j: rows[i][1][j], "index", rows=(), columns=()), top, left - 2)
    table = page.draw(Grid((len(rows), len(taps)), lambda i, j: "=" + data.product(*rows[i], taps[j], page.name),
                           "number", rows=(), columns=()), top, left)
    page.row = top + len(rows) + GAP
    page.widest = max(page.widest, left + len(taps))
    return side, above, table


def _value(page: Page, lesson: Lesson, data: Data, alive: Alive, place: tuple[int, int]) -> str:
    """One cell of the result: the products whose input cell and tap meet there."""
    rows = list(enumerate(alive.axes))
    inside = ",".join(f"{place[axis]}<{alive.setting.cell(row, len(LEAST), seen_from=page.name)}" for row, axis in rows)
    meet = "*".join(_meets(page, lesson, alive, row, place[axis]) for row, axis in rows)
    return f'=IF(AND({inside}),SUMPRODUCT({meet}*{alive.table.area(seen_from=page.name)}){data.plus_bias(0)},"")'


def _meets(page: Page, lesson: Lesson, alive: Alive, row: int, at: int) -> str:
    """1 where an input cell and a tap meet at this index of the result, along one axis, and 0 elsewhere."""
    stride, dilation, start, _ = (alive.setting.cell(row, column, seen_from=page.name) for column in range(4))
    cell = alive.cells.area(0, alive.axes[row], columns=1, seen_from=page.name)
    tap = alive.taps.area(alive.axes[row], 0, rows=1, seen_from=page.name)
    if lesson.transposed:
        return f"({cell}*{stride}+{tap}*{dilation}-{start}={at})"
    return f"({at}*{stride}+{tap}*{dilation}-{start}={cell})"
