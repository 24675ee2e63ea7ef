"""The workbook: what to edit, every way to compute, and whether they agree."""

from __future__ import annotations

import io

from openpyxl import Workbook

from .block import Block
from .collect import collect
from .data import data, show_result
from .distribute import distribute
from .focus import focus
from .lesson import Lesson
from .matrix import matrix
from .phases import phases
from .start import start
from .style import dress
from .trial import trial
from .variants import padding, strides

__all__ = ["content", "workbook"]


def workbook(lesson: Lesson) -> Workbook:
    """Every sheet, in the order in which one reads them."""
    book = Workbook()
    book.remove(book.active)
    dress(book)
    first, numbers = data(book, lesson)
    ways: dict[str, list[Block]] = {}
    pages = [first]
    page, ways["Distribute"] = distribute(book, lesson, numbers)
    collecting, collected = collect(book, lesson, numbers)
    ways["Collect"] = collected.made
    pages += [page, collecting, focus(book, lesson, numbers, (collecting, collected))]
    for draw in (matrix, phases):
        page, ways[page.name] = draw(book, lesson, numbers)
        pages.append(page)
    pages += [padding(book, lesson, numbers), strides(book, lesson, numbers), trial(book, lesson, numbers)]
    show_result(first, lesson, ways["Distribute"])
    opening, verdict = start(book, lesson, numbers, ways, pages)
    for page in pages:
        page.finish(f"={verdict}")
    opening.finish(f"={verdict}")
    _describe(book, lesson)
    return book


def content(lesson: Lesson) -> bytes:
    """The workbook as a file holds it."""
    file = io.BytesIO()
    workbook(lesson).save(file)
    return file.getvalue()


def _describe(book: Workbook, lesson: Lesson) -> None:
    book.properties.creator = "tconv"
    book.properties.title = f"A {'transposed ' if lesson.transposed else ''}convolution, worked out"
    book.calculation.fullCalcOnLoad = True
    book.active = 0
