"""Both layers of a conversion, run on the same whole numbers, and compared with our own and with one another."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conventions import Convention, Conversion
from ..conventions.programs import PROGRAMS
from ..errors import ShapeError, SizeError
from ..geometry import Extent, Problem, cost
from ..methods import METHODS, conv
from .side import Running, missing, run, version

__all__ = ["Proof", "Side", "chosen_problem", "draw", "prove"]

Array = NDArray[Any]
Part = tuple[str, Convention, Sequence[str]]
EXACT = 2**24  # whole numbers below this are exact in float32
MOST_PRODUCTS = 2**32  # a proof is for now, not for minutes
STARTS = ((5, 4, 3), (12, 11, 10), (40, 39, 38))  # sizes to try, the smallest that leave something


@dataclass(frozen=True, slots=True)
class Side:
    """One framework's result.

    Args:
        name: the framework, or "tconv" for our own.
        version: its name and version.
        part: "read" for the layer that was read, "written" for the one that was written, "both" for our own.
        shape: of its result, channels last; None where there is none.
        seconds: that it took, imports included.
        difference: the largest from our own result; None where there is no result of this shape.
        problem: why there is no result.
    """

    name: str
    version: str
    part: str
    shape: tuple[int, ...] | None
    seconds: float
    difference: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was run and how the results compare.

    Args:
        x, kernel, bias: shapes of the arrays: x channels-last, the kernel as the source lays it out; bias may be None.
        most: the numbers are whole, from `-most` to `most`.
        compared: how many numbers there are in a result.
        sides: our own first, then those that were run.
        missing: what is not installed, each with the line that installs it.
    """

    x: tuple[int, ...]
    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None
    most: int
    compared: int
    sides: tuple[Side, ...]
    missing: dict[str, str]

    @property
    def equal(self) -> bool:
        """Whether all that gave a result gave the same numbers; all are whole, so a wrong one differs by 1 or more."""
        return all(side.difference == 0 for side in self.sides if not side.problem)

    @property
    def complete(self) -> bool:
        """Whether both the layer that was read and the one that was written gave a result."""
        return {"read", "written"} <= {side.part for side in self.sides if side.difference is not None}

    @property
    def seconds(self) -> float:
        """The slowest side's: they run at the same time."""
        return max(side.seconds for side in self.sides)


def prove(found: Conversion, *, seed: int = 0, apart: bool = True) -> Proof:
    """Run both layers of a conversion on random whole numbers, and compare.

    Args:
        found: the conversion.
        seed: of the numbers.
        apart: whether each framework runs in a process of its own; otherwise here, where errors are raised.

    Raises:
        SizeError: if the layer is so large that it would take minutes.
    """
    problem, extent = chosen_problem(found), _extent(found)
    if cost(problem, extent).multiply_adds > MOST_PRODUCTS:
        raise SizeError(f"prove: {cost(problem, extent).multiply_adds:,} multiply-adds are too many to prove at once; "
                        "take fewer channels or smaller sizes, which mean the same, or --no-prove.")
    x, kernel, bias, most = draw(found, problem, extent, seed)
    start = time.perf_counter()
    ours = _ours(found, x, kernel, bias, problem)
    own = Side("tconv", "tconv (NumPy)", "both", ours.shape, time.perf_counter() - start, 0)
    laid = found.source.kernel_to(kernel, found.read)
    ready, absent = _ready(found)
    results = _results(found, ready, x, {"kernel": laid, "bias": bias, **_counts(extent, found)}, apart)
    sides = (_side(row.name, part, *result, ours) for (part, row, _), result in zip(ready, results, strict=True))
    return Proof(x.shape, laid.shape, bias.shape if _biased(found) else None, most, ours.size, (own, *sides), absent)


def _ready(found: Conversion) -> tuple[list[Part], dict[str, str]]:
    """What can be run: the part, the row and the program; and what is not installed, with the line that installs it."""
    ready: list[Part] = []
    absent: dict[str, str] = {}
    for part, row, program in (("read", found.source, _source(found)), ("written", found.target, found.program)):
        lacks = missing(row.name) if row.run else {}
        absent |= {package: f"pip install {install}" for package, install in lacks.items()}
        if row.run and not lacks:
            ready.append((part, row, program))
    return ready, absent


def chosen_problem(found: Conversion) -> Problem:
    """The conversion's setting met by its sizes, or by small ones of ours where it has none.

    Raises:
        ShapeError: if no small size leaves anything.
    """
    if found.sizes is not None:
        return found.problem(found.sizes)
    for start in STARTS:
        grown = [a.reach - 1 if not found.source.transposed else 0 for a in found.spec.axes]
        try:
            return found.problem([size + more for size, more in zip(start, grown, strict=False)])
        except ShapeError as error:
            refusal = error
    raise refusal


def draw(found: Conversion, problem: Problem, extent: Extent, seed: int) -> tuple[Array, Array, Array, int]:
    """`x` `(N, *I, C)`, the canonical kernel, the bias, and the largest number in them, float32 whole numbers."""
    numbers = np.random.default_rng(seed)
    transposed, groups = found.source.transposed, found.spec.groups
    sums = math.prod(problem.kernel) * (extent.coarse_channels if transposed else extent.fine_channels) // groups
    most = 4 if sums * 16 + 4 < EXACT else 1

    def whole(*shape: int) -> Array:
        return numbers.integers(-most, most, shape, endpoint=True).astype(np.float32)

    sizes, ins, outs = (problem.coarse, extent.coarse_channels, extent.fine_channels) if transposed else (
        problem.fine, extent.fine_channels, extent.coarse_channels)
    kernel = whole(*problem.kernel, extent.fine_channels // groups, extent.coarse_channels)
    return whole(extent.batch, *sizes, ins), kernel, whole(outs) * _biased(found), most


def _biased(found: Conversion) -> bool:
    return found.channels.bias is not False


def _extent(found: Conversion) -> Extent:
    """The channels that the layer says, or a few."""
    groups = found.spec.groups
    ins, outs = found.channels.inputs or 2 * groups, found.channels.outputs or 3 * groups
    return Extent(2, *((ins, outs) if found.source.transposed else (outs, ins)))


def _counts(extent: Extent, found: Conversion) -> dict[str, int]:
    """What stands for the channels in code that does not know them."""
    ins, outs = extent[1:] if found.source.transposed else extent[:0:-1]
    return {"in_channels": ins, "out_channels": outs, "filters": outs, "features": outs}


def _source(found: Conversion) -> tuple[str, ...]:
    """The program of the layer that was read."""
    if not found.source.run:
        return ()
    return PROGRAMS[found.source.name].lines(found.said, (), found.channels, found.spec.rank)


def _ours(found: Conversion, x: Array, kernel: Array, bias: Array, problem: Problem) -> Array:
    own = METHODS["columns"] if found.source.transposed else conv
    return own(x, kernel, problem) + bias


def _results(found: Conversion, ready: Sequence[Part], x: Array,
             arrays: Mapping[str, Any], apart: bool) -> list[tuple[Array | None, str, float]]:
    """Each program's result, channels last, all at the same time."""
    given, last = [], []
    for part, row, program in ready:
        first = row.axes(found.read if part == "read" else found.spelling.arguments) != "(N, *I, C)"
        given.append((row.name, program, {**arrays, "x": np.ascontiguousarray(np.moveaxis(x, -1, 1)) if first else x}))
        last.append(first)
    if apart:
        with ExitStack() as stack:
            running = [stack.enter_context(Running(*one)) for one in given]
            results = [one.result() for one in running]
    else:
        results = [(run(program, own), "", 0.0) for _, program, own in given]
    return [(np.moveaxis(y, 1, -1) if first and y is not None and y.ndim > 1 else y, told, seconds)
            for (y, told, seconds), first in zip(results, last, strict=True)]


def _side(name: str, part: str, y: Array | None, told: str, seconds: float, ours: Array) -> Side:
    if y is None:
        return Side(name, version(name), part, None, seconds, None, told)
    same = y.shape == ours.shape
    difference = float(np.abs(y.astype(float) - ours).max(initial=0)) if same else math.inf
    return Side(name, version(name), part, y.shape, seconds, difference)


