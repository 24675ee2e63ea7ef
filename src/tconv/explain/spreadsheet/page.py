"""One sheet: headings and words from the top down, and grids of cells side by side under them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.page import PageMargins

from .block import Block
from .style import hue, tint

__all__ = ["AGREE", "Grid", "Page"]

WIDTH = 7.0  # of a column, in characters
ACROSS = 26  # columns that a band of grids fills before it goes on below
GAP = 1  # columns between grids
LETTERS = 100  # characters in a line of the explanations
POINTS, LINE = 5.5, 15  # of a character's width and of a row's height
AGREE = "all ways agree"  # what the check row says when all is well
SHORT = 60  # rows that fit on one printed page


@dataclass(frozen=True)
class Grid:
    """Cells to draw.

    Args:
        size: rows and columns.
        value: what stands in a cell: a formula, a number, or None.
        style: the named style of a cell, without its first word; one name for all, or a function of the cell.
        title: a line above.
        name: what formulas elsewhere may call it.
        rows: labels at the left; by default indices from 0, `()` for none.
        columns: labels above, likewise.
    """

    size: tuple[int, int]
    value: Callable[[int, int], Any]
    style: str | Callable[[int, int], str]
    title: str = ""
    name: str = ""
    rows: Sequence[str | int] | None = None
    columns: Sequence[str | int] | None = None

    @property
    def row_labels(self) -> Sequence[str | int]:
        """The labels at the left."""
        return range(self.size[0]) if self.rows is None else self.rows

    @property
    def column_labels(self) -> Sequence[str | int]:
        """The labels above."""
        return range(self.size[1]) if self.columns is None else self.columns

    @property
    def width(self) -> int:
        """Columns that it takes, labels included; at least what the title needs."""
        return max(bool(self.row_labels) + self.size[1], math.ceil(len(self.title) / (WIDTH + 0.5)))


class Page:
    """A worksheet that is written from the top down.

    Args:
        book: the workbook it is added to.
        name: the sheet's name: one word, so that formulas need no quotes.
        title: the heading.
        says: what the sheet shows, in plain words.
        colour: of the tab, by its name in the theme.
        width: of a column, in characters.
    """

    def __init__(self, book: Workbook, name: str, title: str, says: str, colour: str, width: float = WIDTH):
        self.book, self.name = book, name
        self.sheet = book.create_sheet(name)
        self.row, self.widest, self.width = 1, 14, width
        self.sheet.sheet_view.showGridLines = False
        self.sheet.sheet_properties.tabColor = hue(colour)
        self.write(1, 2, title, "title")
        self.sheet.row_dimensions[1].height = 30
        self.row = 4  # below the check, which is written when all ways are there
        self.sheet.freeze_panes = "A4"
        self.text(says)

    def write(self, row: int, column: int, value: Any, style: str) -> None:
        """Put a value into one cell."""
        cell = self.sheet.cell(row, column, value)
        cell.style = f"tconv {style}"

    def look(self, block: Block, row: int, column: int) -> str:
        """The style of a cell that was drawn before."""
        return str(self.sheet.cell(block.top + row, block.left + column).style).removeprefix("tconv ")

    def text(self, words: str) -> None:
        """A paragraph over the width of a page."""
        self.write(self.row, 2, words, "text")
        last = 1 + math.ceil(12 * WIDTH / self.width)
        self.sheet.merge_cells(start_row=self.row, end_row=self.row, start_column=2, end_column=last)
        self.sheet.row_dimensions[self.row].height = LINE * math.ceil(len(words) / LETTERS) + 3
        self.row += 2

    def heading(self, words: str) -> None:
        """A line that opens a section."""
        self.write(self.row, 2, words, "heading")
        self.sheet.row_dimensions[self.row].height = 21
        self.row += 1

    def band(self, grids: Sequence[Grid], *, across: int = ACROSS) -> list[Block]:
        """Draw grids from left to right, and go on below where `across` columns are full."""
        blocks, left, deepest = [], 2, self.row
        for grid in grids:
            if left > 2 and left + grid.width > across + 2:
                self.row, left = deepest + 1, 2
            block = self.draw(grid, self.row, left)
            blocks.append(block)
            left += grid.width + GAP
            deepest = max(deepest, block.top + block.rows)
            self.widest = max(self.widest, left)
        self.row = deepest + 1
        return blocks

    def draw(self, grid: Grid, top: int, left: int) -> Block:
        """Draw one grid with its title and labels."""
        if grid.title:
            self.write(top, left, grid.title, "label")
            top += 1
        labelled = bool(grid.row_labels), bool(grid.column_labels)
        block = Block(self.name, top + labelled[1], left + labelled[0], *grid.size)
        for row, label in enumerate(grid.row_labels):
            self.write(block.top + row, left, label, "index")
        for column, label in enumerate(grid.column_labels):
            self.write(top, block.left + column, label, "index")
        self.fill(block, grid.value, grid.style)
        if grid.name:
            place = DefinedName(grid.name, attr_text=block.area())
            self.book.defined_names[grid.name] = place
        return block

    def fill(self, block: Block, value: Callable[[int, int], Any], style: str | Callable[[int, int], str]) -> None:
        """Write the cells of a block."""
        for row in range(block.rows):
            for column in range(block.columns):
                look = style if isinstance(style, str) else style(row, column)
                self.write(block.top + row, block.left + column, value(row, column), look)

    def only(self, block: Block, kind: str, words: str, **limits: Any) -> None:
        """Let a block take only numbers of a kind, and say so when something else is typed."""
        rule = DataValidation(type=kind, allow_blank=False, showErrorMessage=True, showInputMessage=True, **limits)
        rule.errorTitle, rule.error = "tconv", words
        rule.add(block.area().split("!")[1].replace("$", ""))
        self.sheet.add_data_validation(rule)

    def light_up(self, block: Block, formula: str, colour: str = "kernel", share: float = 0.55) -> None:
        """Mark the cells of a block for which a formula holds."""
        marked = PatternFill("solid", bgColor=tint(colour, share), fgColor=tint(colour, share))
        rule = FormulaRule(formula=[formula], fill=marked, font=Font(bold=True))
        self.sheet.conditional_formatting.add(block.area().split("!")[1].replace("$", ""), rule)

    def finish(self, check: str) -> None:
        """Write the check row, set the columns' widths, and prepare the sheet for print."""
        self.write(2, 2, check, "check")
        self.light_up(Block(self.name, 2, 2, 1, 6), f'ISERROR(SEARCH("{AGREE}",$B$2))')
        sheet = self.sheet
        sheet.column_dimensions["A"].width = 2.5
        for column in range(2, self.widest + 1):
            sheet.column_dimensions[sheet.cell(1, column).column_letter].width = self.width
        wide = self.widest * self.width * POINTS > self.row * LINE
        sheet.page_setup.orientation = "landscape" if wide else "portrait"
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, int(self.row < SHORT)
        sheet.print_title_rows = "1:2"
        sheet.oddFooter.left.text, sheet.oddFooter.right.text = "tconv: &A", "&P / &N"
        sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.7, footer=0.3)
