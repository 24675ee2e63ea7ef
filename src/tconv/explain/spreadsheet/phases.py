"""The sheet of the phases: one small layer for each residue of the stride."""

from __future__ import annotations

from collections import defaultdict

from openpyxl import Workbook

from . import words
from .block import Block, total
from .data import Data, kernel_title, results
from .lesson import Cell, Lesson, cells
from .page import Grid, Page

__all__ = ["phases"]



def phases(book: Workbook, lesson: Lesson, data: Data) -> tuple[Page, list[Block]]:
    """Draw the taps and the part of every phase, and what they make together."""
    page = Page(book, "Phases", words.TITLES["Phases"], words.PHASES[lesson.transposed], "fine")
    parts: dict[tuple[int, Cell], list[str]] = defaultdict(list)
    for phase in cells((lesson.problem.stride[0], lesson.problem.stride[1])):
        taps = [_taps(lesson, a) for a in (0, 1)]
        mine = [(i, j) for i in taps[0].get(phase[0], []) for j in taps[1].get(phase[1], [])]
        _phase(page, lesson, data, phase, mine, parts)
    page.heading(f"All phases {'interleaved' if lesson.transposed else 'added'}, plus the bias")
    grids = results(page, lesson, "Phases", lambda d, i, j: f"{total(parts[d, (i, j)])}{data.plus_bias(d)}")
    return page, page.band(grids)


def _taps(lesson: Lesson, axis: int) -> dict[int, list[int]]:
    """The taps of each phase: tap times dilation, modulo the stride."""
    found: dict[int, list[int]] = defaultdict(list)
    for tap in range(lesson.problem.kernel[axis]):
        found[tap * lesson.problem.dilation[axis] % lesson.problem.stride[axis]].append(tap)
    return found


def _phase(
    page: Page, lesson: Lesson, data: Data, phase: Cell, taps: list[Cell], parts: dict[tuple[int, Cell], list[str]],
) -> None:
    """Draw one phase: its taps of every slice, and its part of every output channel."""
    named = f"Phase {phase[1]}" if lesson.rank == 1 else f"Phase {phase[0]}, {phase[1]}"
    count = "no tap" if not taps else "1 tap" if len(taps) == 1 else f"{len(taps)} taps"
    mine = _cells(lesson, phase)
    rows, columns = sorted({i for i, _ in mine}), sorted({j for _, j in mine})
    if not mine or not (taps or lesson.transposed):
        return
    page.heading(f"{named}: {count}" + ("" if taps else ", so its cells hold the bias alone"))
    if not taps:
        return
    places = [(i, j) for i in sorted({i for i, _ in taps}) for j in sorted({j for _, j in taps})]
    size = len({i for i, _ in places}), len({j for _, j in places})
    kernels = [Grid(size, lambda i, j, at=at: "=" + data.kernel[at].cell(*places[i * size[1] + j]),  # type: ignore[misc]
                    "kernel", kernel_title(lesson, *at) or "taps",
                    rows=sorted({i for i, _ in places}), columns=sorted({j for _, j in places})) for at in data.kernel]
    made = [Grid((len(rows), len(columns)), lambda i, j, d=d: _part(page, lesson, data, d, (rows[i], columns[j]), taps),  # type: ignore[misc]
                 lesson.colours[1], f"part of {d}" if lesson.outs > 1 else "part", rows=rows, columns=columns)
            for d in range(lesson.outs)]
    blocks = page.band([*kernels, *made])[1:] if len(kernels) == 1 else (page.band(kernels), page.band(made))[1]
    for d, block in enumerate(blocks):
        for i, j in cells((len(rows), len(columns))):
            parts[d, (rows[i], columns[j])].append(block.cell(i, j, seen_from=page.name))


def _cells(lesson: Lesson, phase: Cell) -> list[Cell]:
    """The output cells of a phase: some of a transposed convolution's, all of a convolution's."""
    if not lesson.transposed:
        return list(cells(lesson.made))
    lo, stride = lesson.problem.lo, lesson.problem.stride
    return [cell for cell in cells(lesson.made)
            if all((at + low) % s == r for at, low, s, r in zip(cell, lo, stride, phase, strict=True))]


def _part(page: Page, lesson: Lesson, data: Data, out: int, cell: Cell, taps: list[Cell]) -> str:
    mine = set(taps)
    return total(data.product(join, given, tap, page.name) for join in lesson.joins(out)
                 for given, tap in lesson.meetings[cell] if tap in mine)
