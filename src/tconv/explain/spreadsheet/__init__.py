"""The spreadsheet: a workbook of live formulas, so that whoever changes a number sees what it does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import MissingExtra, SizeError, UnsupportedError
from .lesson import Lesson, lesson

if TYPE_CHECKING:
    from ..facts import Explanation

__all__ = ["xlsx"]

CELLS = 40_000  # drawn in a workbook: what one still scrolls through, and every program opens at once
SIDE = 500  # of the matrix
SLICES = 30  # of the kernel, one for each pair of channels: some programs choose among no more
TERMS = 200  # in one formula: programs allow 8,192 letters


def xlsx(told: Explanation) -> bytes:
    """The workbook of an explanation: input and kernel to edit, every way to compute as formulas, and a check.

    It opens in Excel, LibreOffice and Google Sheets.

    Args:
        told: on one axis or two.

    Returns:
        The content of an `.xlsx` file.

    Raises:
        MissingExtra: without openpyxl.
        SizeError: if there would be more cells than one can read, or nothing to show.
        UnsupportedError: on three axes or more.

    >>> from tconv.explain import explain
    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> told = explain([1, 2], [1, 1, 1], problem=problem_from_coarse(Spec.of(kernel=(3,), stride=2), (2,)))
    >>> xlsx(told)[:2]
    b'PK'
    """
    if told.problem.rank > 2:
        raise UnsupportedError(f"xlsx: the layer has {told.problem.rank} axes, and a sheet has two; take one slice of "
                               "the input and the kernel, or the format json, which has any number of axes.")
    taught = lesson(told.problem, told.transposed, told.x, told.kernel, told.bias)
    _check_size(told, taught)
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise MissingExtra("xlsx", "openpyxl", "explain") from None
    from .workbook import content

    return content(taught)


def _check_size(told: Explanation, taught: Lesson) -> None:
    given, made = math.prod(taught.given), math.prod(taught.made)
    shapes = f"xlsx: an input of shape {told.x.shape} and a result of shape {told.result.shape}"
    if not given * made:
        raise SizeError(f"{shapes} have no cell to show; give both at least one cell along each axis.")
    for count, most, what in _counts(taught, given, made):
        if count > most:
            raise SizeError(f"{shapes} would take {count:,} {what}; a workbook that one can read has {most:,} at most. "
                            "Take a smaller input, kernel or stride, or fewer channels; the view 'summary' tells any "
                            "size.")


def _counts(taught: Lesson, given: int, made: int) -> Iterator[tuple[int, int, str]]:
    """What a workbook would hold, how much of it there may be, and its name; what bounds the counting first."""
    columns, rows = taught.ins * given, taught.outs * made
    yield math.prod(taught.kernel.shape[2:]), SLICES, "kernels between channels"
    yield max(columns, rows), SIDE, "rows or columns of the matrix"
    yield max(map(len, taught.meetings.values())) * len(taught.joins(0)), TERMS, "products in one formula"
    whole, taps = made, math.prod(taught.problem.kernel)
    if taught.transposed:
        full = [axis.full(size) for axis, size in zip(taught.problem.axes, taught.problem.coarse, strict=True)]
        whole = math.prod(max(pair) for pair in zip(full, taught.made, strict=True))
    yield taught.outs * len(taught.joins(0)) * given * (whole + taps) + 2 * rows * columns, CELLS, "cells of formulas"
