"""The sheets of variants: the same input and kernel under other paddings and other strides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from openpyxl import Workbook

from ...errors import ShapeError
from ...geometry import Axis, Problem, Spec, problem_from_coarse, problem_from_fine
from . import words
from .block import total
from .data import Data, channel
from .lesson import Cell, Lesson
from .page import Grid, Page

__all__ = ["MOST", "padding", "strides", "variants"]

MOST = 3  # variants on a sheet


def variants(lesson: Lesson) -> dict[str, dict[int, Lesson]]:
    """The lessons of both sheets: by sheet, then by padding or stride."""
    stride = range(1, MOST + 1)
    return {
        "Padding": dict(_fitting(lesson, ((p, p, None) for p in range(MOST)))),
        "Stride": dict(_fitting(lesson, ((s, 0, s) for s in stride))),
    }


def _fitting(lesson: Lesson, settings: Iterator[tuple[int, int, int | None]]) -> Iterator[tuple[int, Lesson]]:
    for key, crop, stride in settings:
        try:
            problem = _varied(lesson, crop, stride)
        except ShapeError:
            continue  # the input is too small for this one
        yield key, lesson.with_problem(problem)


def _varied(lesson: Lesson, crop: int, stride: int | None) -> Problem:
    """The same grids under another setting; a lone axis keeps the row that it lies in."""
    axes = [replace(axis, crop=(crop, crop), stride=stride or axis.stride) for axis in lesson.problem.axes]
    if lesson.rank == 1:
        axes[0] = Axis(1)
    spec = Spec(tuple(axes), lesson.problem.groups)
    build = problem_from_coarse if lesson.transposed else problem_from_fine
    return build(spec, lesson.given)


def padding(book: Workbook, lesson: Lesson, data: Data) -> Page:
    """Draw the result at paddings 0, 1 and 2."""
    page = Page(book, "Padding", words.TITLES["Padding"], words.PADDING[lesson.transposed], "coarse")
    for ring, one in variants(lesson)["Padding"].items():
        _results(page, one, data, f"Padding {ring}", f"Padding_{ring}")
    return page


def strides(book: Workbook, lesson: Lesson, data: Data) -> Page:
    """Draw the result at strides 1, 2 and 3, and how many products meet in each cell."""
    page = Page(book, "Stride", words.TITLES["Stride"], words.STRIDES[lesson.transposed], "coarse")
    for step, one in variants(lesson)["Stride"].items():
        _results(page, one, data, f"Stride {step}", f"Stride_{step}", _overlap(one))
    return page


def _results(page: Page, lesson: Lesson, data: Data, title: str, name: str, *more: Grid) -> None:
    page.heading(f"{title}: {_size(lesson, lesson.given)} to {_size(lesson, lesson.made)}")
    grids = [Grid(lesson.made, lambda i, j, d=d: _value(page, lesson, data, d, (i, j)),  # type: ignore[misc]
                  lesson.colours[1], channel(d, lesson.outs), f"{name}_{d}") for d in range(lesson.outs)]
    page.band([*grids, *more])


def _overlap(lesson: Lesson) -> Grid:
    return Grid(lesson.made, lambda i, j: len(lesson.meetings[i, j]), "count", "products in each cell")


def _size(lesson: Lesson, size: Cell) -> str:
    return str(size[1]) if lesson.rank == 1 else f"{size[0]} x {size[1]}"


def _value(page: Page, lesson: Lesson, data: Data, out: int, cell: Cell) -> str:
    terms = total(data.product(join, given, tap, page.name) for join in lesson.joins(out)
                  for given, tap in lesson.meetings[cell])
    return f"{terms}{data.plus_bias(out)}"
