"""The spreadsheet: a workbook of live formulas, so that whoever changes a number sees what it does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...errors import MissingExtra, SizeError, UnsupportedError
from .lesson import Lesson, lesson

if TYPE_CHECKING:
    from ..facts import Explanation

__all__ = ["CELLS", "TERMS", "xlsx"]

CELLS = 40_000  # drawn in a workbook: what one still scrolls through, and every program opens at once
TERMS = 200  # products in one formula: programs allow 8,192 letters


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
    _check_size(taught)
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise MissingExtra("xlsx", "openpyxl", "explain") from None
    from .workbook import content

    return content(taught)


def _check_size(taught: Lesson) -> None:
    given, made = math.prod(taught.given), math.prod(taught.made)
    if not given * made:
        raise SizeError(f"xlsx: the input has sizes {taught.given} and the result {taught.made}, so there is no cell "
                        "to show; give both at least one cell along each axis.")
    pairs = taught.outs * len(taught.joins(0))
    full = [axis.full(size) for axis, size in zip(taught.problem.axes, taught.problem.coarse, strict=True)]
    canvas = math.prod(max(a, b) for a, b in zip(full, taught.made, strict=True)) if taught.transposed else made
    cells = pairs * given * canvas + 2 * taught.ins * given * taught.outs * made
    setting = (f"xlsx: an input of {' x '.join(map(str, taught.given))} cells and {taught.ins} channels, a result of "
               f"{' x '.join(map(str, taught.made))} and {taught.outs}")
    cure = "Take a smaller input, kernel or stride, or fewer channels; the view 'summary' tells any size."
    if cells > CELLS:
        raise SizeError(f"{setting} would fill about {cells:,} cells with formulas; a workbook that one can read has "
                        f"{CELLS:,} at most. {cure}")
    terms = math.prod(taught.problem.kernel) * len(taught.joins(0))
    if terms > TERMS:
        raise SizeError(f"{setting} would put up to {terms:,} products into one formula; {TERMS} is the most that "
                        f"every spreadsheet program takes. {cure}")
