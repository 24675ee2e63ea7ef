"""The sheet of what may be edited: the input, the kernel, the bias; and the result, to see it change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook

from . import words
from .block import Block, reference
from .lesson import Cell, Join, Lesson
from .page import Grid, Page

__all__ = ["Data", "channel", "data", "kernel_title", "number", "results", "show_result"]



@dataclass(frozen=True)
class Data:
    """Where the editable cells are: one block for each input channel, for each kernel row and column, and the bias."""

    x: tuple[Block, ...]
    kernel: dict[tuple[int, int], Block]
    bias: Block

    def product(self, join: Join, given: Cell, tap: Cell, seen_from: str) -> str:
        """An input cell times a tap."""
        x = self.x[join.channel].cell(*given, seen_from=seen_from)
        return f"{x}*{self.kernel[join.row, join.column].cell(*tap, seen_from=seen_from)}"

    def plus_bias(self, out: int) -> str:
        """What ends a formula of an output channel."""
        return f"+{self.bias.cell(0, out)}"

    @property
    def missing(self) -> str:
        """How many editable cells do not hold a number, as a formula without the equals sign."""
        blocks = [*self.x, *self.kernel.values(), self.bias]
        cells = sum(block.rows * block.columns for block in blocks)
        return f"{cells}-" + "-".join(f"COUNT({block.area()})" for block in blocks)

    @property
    def scale(self) -> str:
        """How large sums of products can become, as a formula without the equals sign."""
        x, kernel = (_sizes(blocks) for blocks in (self.x, self.kernel.values()))
        return f"({x})*({kernel})+{_sizes([self.bias])}"


def _sizes(blocks: Iterable[Block]) -> str:
    return "+".join(f"SUMPRODUCT(ABS({block.area()}))" for block in blocks)


def number(value: Any) -> int | float:
    """A number as a cell holds it: whole ones stay whole."""
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)


def kernel_title(lesson: Lesson, row: int, column: int) -> str:
    """Which channels a slice of the kernel joins."""
    if lesson.ins == lesson.outs == 1:
        return ""
    group = column // (lesson.kernel.shape[3] // lesson.problem.groups)
    fine = group * lesson.kernel.shape[2] + row
    given, made = (column, fine) if lesson.transposed else (fine, column)
    return f"from {given} to {made}"


def channel(number: int, of: int) -> str:
    """The title of one channel's grid; a lone channel needs none."""
    return f"channel {number}" if of > 1 else ""


def data(book: Workbook, lesson: Lesson) -> tuple[Page, Data]:
    """Draw the editable cells; the result is added by `show_result` when the other sheets are there."""
    page = Page(book, "Data", words.TITLES["Data"], words.DATA, "kernel")
    page.heading("Input (edit me)")
    x = page.band([
        Grid(lesson.given, lambda i, j, c=c: number(lesson.x[i, j, c]), f"{lesson.colours[0]} edit",  # type: ignore[misc]
             channel(c, lesson.ins), f"Input_{c}") for c in range(lesson.ins)])
    page.heading("Kernel (edit me)")
    rows, columns = lesson.kernel.shape[2:]
    slices = [(row, column) for row in range(rows) for column in range(columns)]
    size = lesson.kernel.shape[0], lesson.kernel.shape[1]
    kernel = page.band([
        Grid(size, lambda i, j, at=at: number(lesson.kernel[(i, j, *at)]), "kernel edit",  # type: ignore[misc]
             kernel_title(lesson, *at), f"Kernel_{at[0]}_{at[1]}") for at in slices])
    page.heading("Bias (edit me): added to every cell of an output channel")
    row = Grid((1, lesson.outs), lambda _, d: number(lesson.bias[d]), "kernel edit", name="Bias", rows=())
    bias = page.band([row])[0]
    for block in (*x, *kernel, bias):
        page.only(block, "decimal", words.NUMBERS_ONLY, operator="between", formula1="-1E+300", formula2="1E+300")
    return page, Data(tuple(x), dict(zip(slices, kernel, strict=True)), bias)


def show_result(page: Page, lesson: Lesson, made: Sequence[Block]) -> None:
    """Show the result below what it is made from."""
    page.heading("Result (a formula in each cell)")
    page.band(results(page, lesson, "Result", lambda d, i, j: reference(made[d], i, j, page.name)))


def results(page: Page, lesson: Lesson, name: str, value: Any) -> list[Grid]:
    """The grids of a result, one for each output channel; `value(channel, row, column)` is a formula."""
    return [Grid(lesson.made, lambda i, j, d=d: value(d, i, j), f"{lesson.colours[1]} sum",  # type: ignore[misc]
                 channel(d, lesson.outs), f"{name}_{d}") for d in range(lesson.outs)]
