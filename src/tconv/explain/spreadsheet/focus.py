"""The sheet that looks at one cell: choose an output cell, see what lies under the kernel there."""

from __future__ import annotations

from openpyxl import Workbook

from . import words
from .block import Block, reference
from .collect import Collected, window
from .data import Data
from .lesson import Lesson
from .page import Grid, Page

__all__ = ["focus"]

CHOICES = ("channel", "row", "column")


def focus(book: Workbook, lesson: Lesson, data: Data, seen: tuple[Page, Collected]) -> Page:
    """Draw the choice, the window, the kernel, the products and their sum."""
    page = Page(book, "Cell", words.TITLES["Cell"], words.CELL, "fine")
    page.heading("Cell of the result (edit me)")
    most = (lesson.outs, *lesson.made)
    start = (0, lesson.made[0] // 2, lesson.made[1] // 2)
    choice = page.band([Grid((1, 3), lambda _, j: start[j], f"{lesson.colours[1]} edit", name="Chosen", rows=(),
                             columns=CHOICES)])[0]
    for at, size in enumerate(most):
        page.only(Block(page.name, choice.top, choice.left + at, 1, 1), "whole",
                  f"Please type a whole number from 0 to {size - 1}.", operator="between", formula1="0",
                  formula2=str(size - 1))
    sums = [_products(page, lesson, seen[1], choice, number) for number in range(len(lesson.joins(0)))]
    page.heading("The products and the bias, added; and the same cell on the sheet Collect")
    chosen = choice.cell(0, 0, seen_from=page.name)
    bias = f"INDEX({data.bias.area()},1,{chosen}+1)"
    cell = "INDEX({},{}+1,{}+1)".format("{}", *(choice.cell(0, at, seen_from=page.name) for at in (1, 2)))
    same = _by_channel(lesson, chosen, [cell.format(block.area()) for block in seen[1].made])
    added = "+".join(f"SUM({block.area(seen_from=page.name)})" for block in sums)
    values = [f"={bias}", f"={added}+{bias}", f"={same}"]
    page.band([Grid((1, 3), lambda _, j: values[j], f"{lesson.colours[1]} sum", name="Chosen_value", rows=(),
                    columns=("bias", "sum", "Collect"))])
    _light(lesson, choice, seen)
    return page


def _by_channel(lesson: Lesson, chosen: str, formulas: list[str]) -> str:
    """The formula of the chosen output channel."""
    return formulas[0] if lesson.outs == 1 else f"CHOOSE({chosen}+1,{','.join(formulas)})"


def _products(page: Page, lesson: Lesson, seen: Collected, choice: Block, number: int) -> Block:
    """Draw the window, the kernel and the products of the group's input channel of that number."""
    chosen, row, column = (choice.cell(0, at, seen_from=page.name) for at in range(3))
    steps = [axis.step for axis in window(lesson)]
    joins = [lesson.joins(out)[number] for out in range(lesson.outs)]

    def covered(i: int, j: int) -> str:
        place = f"{row}*{steps[0]}+{i + 1},{column}*{steps[1]}+{j + 1}"
        grids = (seen.grids[join.channel].area() for join in joins)
        return "=" + _by_channel(lesson, chosen, [f"INDEX({grid},{place})" for grid in grids])

    def tap(i: int, j: int) -> str:
        kernels = (seen.kernels[join.row, join.column] for join in joins)
        return "=" + _by_channel(lesson, chosen, [kernel.cell(i, j) for kernel in kernels])

    which = f": input {number} of the group" if len(lesson.joins(0)) > 1 else ""
    page.heading(f"Under the kernel, the kernel, and their products{which}")
    left, middle = page.band([Grid(lesson.reach, covered, lesson.colours[0], "numbers"),
                              Grid(lesson.reach, tap, "kernel", "kernel")], across=10**6)
    top, at = left.top - 2, middle.left + middle.columns + 1
    page.widest = max(page.widest, at + lesson.reach[1] + 1)
    both = Grid(lesson.reach, lambda i, j: "=" + "*".join(
        block.cell(i, j, seen_from=page.name) for block in (left, middle)), "number", "products")
    return page.draw(both, top, at)


def _light(lesson: Lesson, choice: Block, seen: tuple[Page, Collected]) -> None:
    """Mark the window and the chosen cell on the sheet of the collecting view.

    The choice is shown there, too: in Google Sheets a mark can only look at cells of its own sheet.
    """
    page, found = seen
    page.heading("Marked: the window of this cell, which is chosen on the sheet Cell")
    shown = page.band([Grid((1, 3), lambda _, j: reference(choice, 0, j, page.name), "number", rows=(),
                            columns=CHOICES)])[0]
    chosen, row, column = (shown.area(0, at, 1, 1, seen_from=page.name).split(":")[0] for at in range(3))
    rows, columns = window(lesson)
    for number, block in enumerate(found.grids):
        listening = (out for out in range(lesson.outs) if number in [join.channel for join in lesson.joins(out)])
        heard = ",".join(f"{chosen}={out}" for out in listening)
        page.light_up(block, (
            f"AND(OR({heard}),ROW()-{block.top}>={row}*{rows.step},ROW()-{block.top}<{row}*{rows.step}+{lesson.reach[0]},"
            f"COLUMN()-{block.left}>={column}*{columns.step},"
            f"COLUMN()-{block.left}<{column}*{columns.step}+{lesson.reach[1]})"))
    for out, block in enumerate(found.made):
        page.light_up(block, f"AND({chosen}={out},ROW()-{block.top}={row},COLUMN()-{block.left}={column})")
