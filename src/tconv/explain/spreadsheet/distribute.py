"""The sheet of the distributing view: stamps at their places, and their sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from openpyxl import Workbook

from . import words
from .block import Block, total
from .data import Data, channel, results
from .lesson import Cell, Join, Lesson, cells
from .page import Grid, Page

__all__ = ["Canvas", "canvas", "distribute"]



@dataclass(frozen=True)
class Canvas:
    """The grid that stamps are laid on: large enough for the full result and for the cropped one.

    Args:
        size: rows and columns.
        full: how far its first cell lies before the first of the full result, on both axes.
        kept: how far its first cell lies before the first of the result.
        reach: size of the full result.
        made: size of the result.
    """

    size: Cell
    full: Cell
    kept: Cell
    reach: Cell
    made: Cell

    def look(self, cell: Cell) -> str:
        """`kept`, `crop` (hatched), or `added` beyond the last stamp."""
        inside = all(0 <= at - start < size for at, start, size in zip(cell, self.kept, self.made, strict=True))
        stamped = all(0 <= at - start < size for at, start, size in zip(cell, self.full, self.reach, strict=True))
        return ("kept" if stamped else "added") if inside else "crop"


def canvas(lesson: Lesson) -> Canvas:
    """The canvas of a transposed convolution; a convolution's is its output."""
    if not lesson.transposed:
        return Canvas(lesson.made, (0, 0), (0, 0), lesson.made, lesson.made)
    problem = lesson.problem
    full = [axis.full(size) for axis, size in zip(problem.axes, problem.coarse, strict=True)]
    starts = [min(0, lo) for lo in problem.lo]
    stops = [max(size, fine + lo) for size, fine, lo in zip(full, problem.fine, problem.lo, strict=True)]
    rows, columns = (stop - start for start, stop in zip(starts, stops, strict=True))
    kept = [lo - start for lo, start in zip(problem.lo, starts, strict=True)]
    return Canvas((rows, columns), (-starts[0], -starts[1]), (kept[0], kept[1]), (full[0], full[1]), lesson.made)


def stamps(lesson: Lesson) -> dict[Cell, dict[Cell, Cell]]:
    """For each input cell, where its products lie on the canvas, and by which tap; what the crop cuts off included."""
    laid: dict[Cell, dict[Cell, Cell]] = {cell: {} for cell in cells(lesson.given)}
    if lesson.transposed:
        problem, start = lesson.problem, canvas(lesson).full
        for cell in laid:
            for tap in cells((problem.kernel[0], problem.kernel[1])):
                row, column = (cell[a] * problem.stride[a] + tap[a] * problem.dilation[a] + start[a] for a in (0, 1))
                laid[cell][row, column] = tap
        return laid
    for made, pairs in lesson.meetings.items():
        for given, tap in pairs:
            laid[given][made] = tap
    return laid


def distribute(book: Workbook, lesson: Lesson, data: Data) -> tuple[Page, list[Block]]:
    """Draw the stamps of every pair of channels, their sum, and the result; gives the result's blocks."""
    page = Page(book, "Distribute", words.TITLES["Distribute"], words.DISTRIBUTE[lesson.transposed], "coarse")
    made = [_channel(page, lesson, data, out) for out in range(lesson.outs)]
    return page, made


def _channel(page: Page, lesson: Lesson, data: Data, out: int) -> Block:
    places: dict[Cell, list[str]] = {cell: [] for cell in cells(canvas(lesson).size)}
    for join in lesson.joins(out):
        page.heading(_title(lesson, join, out))
        for found in _stamps(page, lesson, data, join):
            for cell, address in found.items():
                places[cell].append(address)
    whole, name = canvas(lesson), channel(out, lesson.outs)
    page.heading(f"The sum of all stamps{', output ' + name if name else ''}")
    looks = {"kept": lesson.colours[1], "crop": "crop", "added": "added"}
    summed = page.band([Grid(whole.size, lambda i, j: total(places[i, j]), lambda i, j: looks[whole.look((i, j))])])[0]
    page.heading(f"The result: the sum{_cut(lesson)}, plus the bias")
    grid = results(page, lesson, "Distribute", lambda d, i, j: (
        f"={summed.cell(i + whole.kept[0], j + whole.kept[1], seen_from=page.name)}{data.plus_bias(d)}"))[out]
    return page.band([grid])[0]


def _cut(lesson: Lesson) -> str:
    problem = lesson.problem
    if not lesson.transposed or not any((*problem.lo, *problem.hi)):
        return ""
    return " without the hatched cells" if max(*problem.lo, *problem.hi) > 0 else " with zeros added around it"


def _title(lesson: Lesson, join: Join, out: int) -> str:
    pair = f", from channel {join.channel} to channel {out}" if lesson.ins > 1 or lesson.outs > 1 else ""
    return f"One stamp for each input cell{pair}"


def _stamps(page: Page, lesson: Lesson, data: Data, join: Join) -> Iterator[dict[Cell, str]]:
    """Draw one pair of channels, and give the addresses of each row of stamps by their place on the canvas."""
    laid, size = stamps(lesson), canvas(lesson).size
    rows, columns = lesson.given

    def value(given: Cell, place: Cell) -> str | None:
        tap = laid[given].get(place)
        return None if tap is None else "=" + data.product(join, given, tap, page.name)

    def look(given: Cell, place: Cell) -> str:
        return "number" if place in laid[given] else "empty"

    if lesson.rank == 1:  # one stamp a row, below one another: the columns are the places
        names = [f"x[{j}]" for j in range(columns)]
        block = page.band([Grid((columns, size[1]), lambda g, j: value((0, g), (0, j)),
                                lambda g, j: look((0, g), (0, j)), rows=names)])[0]
        for g in range(columns):
            yield {place: block.cell(g, place[1], seen_from=page.name) for place in laid[0, g]}
        return
    for row in range(rows):
        band = page.band([
            Grid(size, lambda i, j, g=(row, c): value(g, (i, j)),  # type: ignore[misc]
                 lambda i, j, g=(row, c): look(g, (i, j)), f"x[{row}, {c}]", rows=(), columns=())  # type: ignore[misc]
            for c in range(columns)], across=10**6)
        for c, block in enumerate(band):
            yield {place: block.cell(*place, seen_from=page.name) for place in laid[row, c]}
