"""The phases view: one small stride-1 layer for each residue of the stride."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry import Problem
from ..methods import conv, scatter
from ..methods.channels import Array
from ..methods.phases import phase_taps
from .cells import Index

__all__ = ["Part", "Phases", "phases"]


@dataclass(frozen=True)
class Part:
    """One phase of the fine grid (fine index + lo mod stride) with the taps that meet it.

    Args:
        phase: the residue along each axis.
        taps: the taps along each axis.
        kernel: those taps, shape `(*k, D / groups, C)`; an axis may be empty.
        cells: the fine cells of this phase, a slice for each axis.
        input: for a transposed convolution the whole input; for a convolution its cells of this phase.
        result: for a transposed convolution the result's cells of this phase; for a convolution what this phase adds
            to every coarse cell. Before the bias.
    """

    phase: Index
    taps: tuple[Index, ...]
    kernel: Array
    cells: tuple[slice, ...]
    input: Array
    result: Array


@dataclass(frozen=True)
class Phases:
    """The parts, and how they come together.

    Args:
        parts: one for each phase, in row-major order.
        interleaving: which part each fine cell belongs to, shape `fine`.
        together: "interleaved" for a transposed convolution, "added" for a convolution.
    """

    parts: tuple[Part, ...]
    interleaving: Array
    together: str


def phases(x: Array, kernel: Array, problem: Problem, transposed: bool) -> Phases:
    """The phases of arrays without a batch; see `Explanation.phases`."""
    parts, interleaving = [], np.zeros(problem.fine, int)
    for number, phase in enumerate(np.ndindex(problem.stride)):
        rows = zip(phase, problem.lo, problem.stride, strict=True)
        cells = tuple(slice((r - lo) % s, None, s) for r, lo, s in rows)
        taps = tuple(tuple(phase_taps(problem, axis, residue)) for axis, residue in enumerate(phase))
        interleaving[cells] = number
        parts.append(_part(x, kernel, problem, transposed, phase, taps, cells))
    return Phases(tuple(parts), interleaving, "interleaved" if transposed else "added")


def _part(x: Array, kernel: Array, problem: Problem, transposed: bool, phase: Index, taps: tuple[Index, ...],
          cells: tuple[slice, ...]) -> Part:
    only = np.zeros_like(kernel)
    only[np.ix_(*taps)] = kernel[np.ix_(*taps)]
    result = (scatter if transposed else conv)(x[None], only, problem)[0]
    part = Part(phase, taps, kernel[np.ix_(*taps)], cells, x, result)
    return replace(part, result=result[cells]) if transposed else replace(part, input=x[cells])
