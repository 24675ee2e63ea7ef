"""One small stride-1 convolution for each residue of the stride, then interleave."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..geometry import Problem
from .channels import Array, to_fine

__all__ = ["phase_taps", "phases"]


def phase_taps(problem: Problem, axis: int, phase: int) -> list[int]:
    """The taps that fall on fine cells of one phase (fine index + lo mod stride)."""
    s, d = problem.stride[axis], problem.dilation[axis]
    return [tap for tap in range(problem.kernel[axis]) if tap * d % s == phase]


def phases(x: Array, kernel: Array, problem: Problem) -> Array:
    """Compute every phase of the fine grid as a convolution of its own with every stride-th tap, and interleave them.

    Takes and gives what `scatter` does. No product with zero, no overlap between writes: the form that fast code takes.
    """
    extent = problem.extent("phases", coarse=x.shape, kernel=kernel.shape)
    y = np.zeros((extent.batch, *problem.fine, extent.fine_channels), np.result_type(x, kernel))
    for phase in np.ndindex(problem.stride):
        cells = [slice((r - lo) % s, None, s) for r, lo, s in zip(phase, problem.lo, problem.stride, strict=True)]
        part = y[:, *cells]
        for tap in product(*(phase_taps(problem, axis, r) for axis, r in enumerate(phase))):
            coarse, fine = zip(*(problem.span(axis, index) for axis, index in enumerate(tap)), strict=True)
            within = tuple(_every(s, c) for s, c in zip(fine, cells, strict=True))
            part[:, *within] += to_fine(x[:, *coarse], kernel[tap], problem.groups)
    return y


def _every(fine: slice, cells: slice) -> slice:
    """A span of fine cells, counted in the cells of its phase."""
    step = cells.step
    return slice((fine.start - cells.start) // step, -((cells.start - fine.stop) // step)) if fine.stop else fine
