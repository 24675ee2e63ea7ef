"""An inspected model as one HTML page that needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product

import numpy as np

from ..diagnose import gains, shuffle_gains
from ..errors import MissingExtra
from ..models import Inspected, Inspection, words
from ..models.findings import LEVELS
from ..models.portability import KINDS

__all__ = ["page"]

ACROSS = 12  # cells of a drawn pattern along each axis, and two periods at least
MARKS = {"native": "yes", "kernel": "other kernel", "slice": "with a cut", "none": "no", "cpu": "on the CPU",
         "differs": "other values"}


def page(found: Inspection) -> str:
    """The page as HTML.

    Raises:
        MissingExtra: without Jinja2.
    """
    if find_spec("jinja2") is None:
        raise MissingExtra("tconv.report", "jinja2", "explain")
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = Environment(loader=PackageLoader("tconv.report"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    room.filters |= {"grid": words.grid, "many": words.many, "setting": words.setting, "overlap": words.overlap,
                     "pattern": words.pattern, "span": words.span, "power": power}
    native, others = words.targets(found)
    most = max((layer.fact.executed.get("columns", 0) for layer in found.layers), default=0)
    return room.get_template("model.html").render(
        found=found, said=words.said(found), through=words.through(found), advice=words.advice(found),
        named=words.named, levels=LEVELS, kinds=KINDS, marks=MARKS, native=native, targets=others, most=most,
        drawings=[drawing(layer) for layer in found.layers])


def power(number: int | None) -> str:
    """A large count in a few characters.

    >>> power(90_538_752), power(512), power(None)
    ('90.5 M', '512', '?')
    """
    if number is None:
        return "?"
    for size, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The strongest pattern that a layer prints on a flat input.

    Args:
        cells: columns, rows, and the strength of each cell, from -1 to 1 of the strongest.
        across, down: how many cells.
    """

    cells: tuple[tuple[int, int, float], ...]
    across: int
    down: int


def drawing(layer: Inspected) -> Drawing | None:
    """A few periods of the pattern; None where there is none, or it has more than two axes."""
    phases = _phases(layer)
    if phases is None or phases.ndim > 3 or not layer.ripple or layer.ripple < 1e-6:
        return None
    sizes, flat = phases.shape[:-1], phases.reshape(-1, phases.shape[-1])
    strongest = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[0][:, 0]
    one = (strongest / np.abs(strongest).max()).reshape(sizes if len(sizes) == 2 else (1, *sizes))
    across = max(ACROSS, 2 * max(sizes))
    down = across if len(sizes) == 2 else 1
    return Drawing(tuple(_tiled(one, across, down)), across, down)


def _tiled(one: np.ndarray, across: int, down: int) -> Iterator[tuple[int, int, float]]:
    for row, column in product(range(down), range(across)):
        yield column, row, round(float(one[row % one.shape[0], column % one.shape[1]]), 3)


def _phases(layer: Inspected) -> np.ndarray | None:
    """What each phase gets, shape `(*phases, D * C)`."""
    fact = layer.fact
    if fact.kernel is None or fact.spec is None or layer.ripple is None or fact.kind == "resize_conv":
        return None
    found = gains(fact.kernel, fact.spec) if fact.transposed else shuffle_gains(
        fact.kernel, fact.shuffle or 1, order=fact.order)
    return found.reshape(*found.shape[:-2], -1)
