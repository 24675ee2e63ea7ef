"""Which cells meet which: sources and targets, overlap per phase, receptive fields of whole stacks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .axis import Axis
from .problem import Problem

__all__ = ["Layer", "Sight", "coverage", "overlap", "receptive_field", "sources", "targets"]


def sources(axis: Axis, fine: int, *, coarse: int | None = None) -> tuple[tuple[int, int], ...]:
    """The `(coarse cell, tap)` pairs that add up to one fine cell, by tap.

    Args:
        axis: the setting.
        fine: index on the fine grid, counted after the crop.
        coarse: size of the coarse grid; without it the grid has no ends.

    >>> sources(Axis(kernel=3, stride=2), 4)
    ((2, 0), (1, 2))
    """
    cells = [(*divmod(fine + axis.lo - tap * axis.dilation, axis.stride), tap) for tap in range(axis.kernel)]
    return tuple((cell, tap) for cell, rest, tap in cells if rest == 0 and (coarse is None or 0 <= cell < coarse))


def targets(axis: Axis, coarse: int, *, fine: int | None = None) -> tuple[tuple[int, int], ...]:
    """The `(fine cell, tap)` pairs that one coarse cell is stamped on, by tap.

    >>> targets(Axis(kernel=3, stride=2), 1)
    ((2, 0), (3, 1), (4, 2))
    """
    cells = [(coarse * axis.stride + tap * axis.dilation - axis.lo, tap) for tap in range(axis.kernel)]
    return tuple((cell, tap) for cell, tap in cells if fine is None or 0 <= cell < fine)


def overlap(axis: Axis) -> tuple[int, ...]:
    """How many taps meet in each phase, fine index + lo mod stride, away from the ends.

    Equal numbers are the mark of a layer without a built-in checkerboard (Odena, Dumoulin, Olah: Deconvolution and
    Checkerboard Artifacts, Distill 2016).

    >>> overlap(Axis(kernel=3, stride=2)), overlap(Axis(kernel=4, stride=2))
    ((2, 1), (2, 2))
    """
    taps = Counter(tap * axis.dilation % axis.stride for tap in range(axis.kernel))
    return tuple(taps[phase] for phase in range(axis.stride))


def coverage(problem: Problem) -> tuple[tuple[int, ...], ...]:
    """How many `(coarse cell, tap)` pairs meet in each fine cell, axis by axis, ends included."""
    return tuple(
        tuple(len(sources(axis, cell, coarse=coarse)) for cell in range(fine))
        for axis, coarse, fine in zip(problem.axes, problem.coarse, problem.fine, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a stack along one axis: a convolution, or a transposed one."""

    axis: Axis
    transposed: bool = False

    def seen_by(self, cells: frozenset[int]) -> frozenset[int]:
        """The input cells that these output cells depend on, on grids without ends."""
        if self.transposed:
            return frozenset(cell for out in cells for cell, _ in sources(self.axis, out))
        return frozenset(cell for out in cells for cell, _ in targets(self.axis, out))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a stack's outputs see of its input: `cells[phase]` for output `phase`, repeating with `period`.

    Output `phase + n * period` sees the cells of `phase`, moved by `n * shift`.
    """

    period: int
    shift: int
    cells: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Samples from the first to the last cell that each phase sees; 0 where it sees nothing."""
        return tuple(cells[-1] - cells[0] + 1 if cells else 0 for cells in self.cells)


def receptive_field(stack: Sequence[Layer]) -> Sight:
    """The input cells that each output of a stack sees, phase by phase and exactly.

    The usual recursion gives one number for all outputs; behind a transposed convolution they differ.

    >>> receptive_field([Layer(Axis(3)), Layer(Axis(3, 2), transposed=True)]).sizes
    (4, 3)
    """
    period, shift = 1, 1
    for layer in reversed(stack):
        if layer.transposed:
            times = layer.axis.stride // math.gcd(shift, layer.axis.stride)
            period, shift = period * times, shift * times // layer.axis.stride
        else:
            shift *= layer.axis.stride
    seen = []
    for phase in range(period):
        cells = frozenset((phase,))
        for layer in reversed(stack):
            cells = layer.seen_by(cells)
        seen.append(tuple(sorted(cells)))
    return Sight(period, shift, tuple(seen))
