"""The first sheet: what the setting is, where to go, what the looks mean, and whether all ways agree."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.worksheet.hyperlink import Hyperlink

from . import words
from .block import Block, apart
from .data import Data
from .lesson import Lesson
from .page import AGREE, Grid, Page

__all__ = ["start"]

LOOKS = (
    ("kernel edit", "yours to edit: dashed frame on pale yellow"),
    ("coarse", "a number of the coarse grid"),
    ("kernel", "a number of the kernel, a tap"),
    ("fine", "a number of the fine grid"),
    ("number", "a product of an input and a tap"),
    ("added", "an added zero, in italics: it is no data"),
    ("crop", "hatched and struck out: cropped, so no part of the result"),
)


def start(
    book: Workbook, lesson: Lesson, data: Data, ways: dict[str, list[Block]], pages: Sequence[Page],
) -> tuple[Page, str]:
    """Draw the first sheet; gives it, and the address of the verdict that every sheet repeats."""
    page = Page(book, "Start", f"A {'transposed ' if lesson.transposed else ''}convolution, cell by cell",
                words.START[lesson.transposed], "kernel")
    book.move_sheet(page.sheet, -len(pages))
    page.heading("The setting")
    _setting(page, lesson)
    page.text(words.RELATION)
    page.heading("Do all ways agree?")
    verdict = _check(page, data, ways)
    page.heading("The sheets")
    for other in pages:
        page.write(page.row, 2, other.name, "link")
        page.sheet.cell(page.row, 2).hyperlink = Hyperlink(ref="", location=f"{other.name}!A1")
        page.write(page.row, 4, words.SHEETS[other.name], "plain")
        page.row += 1
    page.row += 1
    page.heading("What the looks mean")
    for look, means in LOOKS:
        page.write(page.row, 2, 0 if look == "added" else 1, look)
        page.write(page.row, 4, means, "plain")
        page.row += 1
    return page, verdict


def _setting(page: Page, lesson: Lesson) -> None:
    problem = lesson.problem
    skip = 2 - lesson.rank  # the axis that a lone one was given
    pairs = [f"{lo} at the start, {hi} at the end" for lo, hi in zip(problem.lo, problem.hi, strict=True)]
    given, made = lesson.colours
    rows: list[tuple[str, Sequence[int | str]]] = [
        (f"input ({given})", lesson.given), ("kernel", problem.kernel), ("stride", problem.stride),
        ("dilation", problem.dilation), ("crop" if lesson.transposed else "padding read", pairs),
        (f"result ({made})", lesson.made),
    ]
    told = [(name, ("; " if values is pairs else " x ").join(map(str, values[skip:]))) for name, values in rows]
    told.append(("channels", f"{lesson.ins} in, {lesson.outs} out"
                  + (f", {problem.groups} groups" if problem.groups > 1 else "")))
    for name, text in told:
        page.write(page.row, 2, name, "label")
        page.write(page.row, 5, text, "plain")
        page.row += 1
    page.row += 1


def _check(page: Page, data: Data, ways: dict[str, list[Block]]) -> str:
    """A line for each way and one verdict; differences as small as rounding leaves them are none."""
    first, *others = ways
    bad = page.draw(Grid((1, 1), lambda *_: f"={data.missing}", "number", rows=("",), columns=()), page.row, 6)
    page.write(page.row, 2, "cells of Data that are no number", "plain")
    page.row += 1
    wrong = bad.cell(0, 0, seen_from=page.name)
    blocks = []
    for way in others:
        page.write(page.row, 2, f"{way} differs from {first} by", "plain")
        formula = f'=IF({wrong}>0,"?",{apart(ways[way], ways[first])})'
        blocks.append(page.draw(Grid((1, 1), lambda *_, f=formula: f, "number", rows=("",), columns=()),  # type: ignore[misc]
                                page.row, 6))
        page.row += 1
    most = "MAX({})".format(",".join(block.cell(0, 0, seen_from=page.name) for block in blocks))
    verdict = page.draw(Grid((1, 1), lambda *_: (
        f'=IF({wrong}>0,"Some cell of Data is no number",IF({most}<=1E-12*(1+{data.scale}),'
        f'"Check: {AGREE}","CHECK: THE WAYS DO NOT AGREE"))'), "check", name="Check", rows=(), columns=()),
        page.row, 2)
    page.row += 2
    return verdict.cell(0, 0)
