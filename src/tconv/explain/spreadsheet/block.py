"""Where a grid of cells lies in the workbook, and how formulas speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

__all__ = ["Block", "apart", "reference", "total"]


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of cells on a sheet; `top` and `left` count from 1, cells inside it from 0."""

    sheet: str
    top: int
    left: int
    rows: int
    columns: int

    def cell(self, row: int, column: int, *, seen_from: str = "") -> str:
        """The address of one cell, without the sheet's name where the formula stands on the same sheet."""
        place = f"{get_column_letter(self.left + column)}{self.top + row}"
        return place if seen_from == self.sheet else f"{self.sheet}!{place}"

    def area(
        self, row: int = 0, column: int = 0, rows: int | None = None, columns: int | None = None, *,
        seen_from: str = "",
    ) -> str:
        """The address of a part, by default of all of it, held fast with dollar signs."""
        first_row, first_column = self.top + row, self.left + column
        last_row = first_row + (self.rows if rows is None else rows) - 1
        last_column = first_column + (self.columns if columns is None else columns) - 1
        place = (f"${get_column_letter(first_column)}${first_row}:"
                 f"${get_column_letter(last_column)}${last_row}")
        return place if seen_from == self.sheet else f"{self.sheet}!{place}"


def reference(block: Block, row: int, column: int, seen_from: str) -> str:
    """A formula that shows another cell's value."""
    return "=" + block.cell(row, column, seen_from=seen_from)


def total(terms: Iterable[str]) -> str:
    """A formula that adds up terms, be there none."""
    return "=" + ("+".join(terms) or "0")


def apart(blocks: Sequence[Block], others: Sequence[Block]) -> str:
    """How far two sets of blocks are apart: the sum of all differences, as a formula without the equals sign."""
    return "+".join(f"SUMPRODUCT(ABS({one.area()}-{other.area()}))" for one, other in zip(blocks, others, strict=True))
