"""What a layer's real inputs make of any kernel: the energy of the result, whole and frequency by frequency."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..errors import SizeError
from ..geometry import Problem
from ..methods.channels import Array
from .spectrum import patch_starts, window

__all__ = ["Bins", "Moments", "moments"]

Bins = tuple[int, ...]

MOST_NUMBERS = 4096
"""The most numbers of a kernel, taps times coarse channels of a group, that belong to one fine channel."""

MOST_ROWS = 200_000
MOST_PATCHES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Quadratic forms in the numbers `w` of a kernel that belong to one fine channel, shape `(taps * C / groups,)`.

    Args:
        energy: `w @ energy[g] @ w` is the mean square of the result, without bias; shape `(groups, n, n)`.
        waves: `w @ waves[f, g] @ w` is the power at frequency f; shape `(frequencies, groups, n, n)`.
    """

    energy: Array
    waves: Array


def moments(x: Array, problem: Problem, *, patch: Bins, bins: Sequence[Bins]) -> Moments:
    """Both forms, from real inputs.

    Args:
        x: coarse array, shape `(N, *coarse, C)`.
        problem: the setting met by these sizes.
        patch: samples per axis of the patches of the fine grid whose spectrum counts.
        bins: the frequencies, as indices into that spectrum.

    Raises:
        SizeError: if the layer is too large.
    """
    taps, groups = math.prod(problem.kernel), problem.groups
    size = taps * x.shape[-1] // groups
    if size > MOST_NUMBERS:
        raise SizeError(f"repair: {taps} taps of {x.shape[-1] // groups} channels are {size} numbers for each channel "
                        f"that comes out, but at most {MOST_NUMBERS} are solved for at once; name a smaller layer, or "
                        "take the way that looks at the kernels alone (--how gains).")
    return Moments(_energy(x, problem, size), _waves(x, problem, patch, bins, size))


def _energy(x: Array, problem: Problem, size: int) -> Array:
    """Taps of one phase meet in the same cells; taps of two phases never do."""
    groups = problem.groups
    every = max(1, len(x) * math.prod(problem.fine) // MOST_ROWS)
    x, cells = x[::every].astype(np.float32), math.prod(problem.fine)
    form = np.zeros((groups, size, size))
    for taps, rows in _by_phase(x, problem):
        rows = rows.reshape(-1, len(taps), groups, x.shape[-1] // groups).transpose(2, 0, 1, 3)
        rows = rows.reshape(groups, rows.shape[1], -1)
        at = np.concatenate([np.arange(x.shape[-1] // groups) + tap * (x.shape[-1] // groups) for tap in taps])
        form[:, at[:, None], at] = rows.swapaxes(1, 2) @ rows / (len(x) * cells)
    return form


def _by_phase(x: Array, problem: Problem) -> Iterator[tuple[list[int], Array]]:
    """For each phase its taps, and what they see at every fine cell of it: `(N, cells, taps, C)`, zeros beyond."""
    numbers = {tap: number for number, tap in enumerate(np.ndindex(problem.kernel))}
    for phase in np.ndindex(problem.stride):
        columns = [[_seen(problem, axis, tap, rest) for tap in range(problem.kernel[axis])
                    if (tap * problem.dilation[axis] - rest) % problem.stride[axis] == 0]
                   for axis, rest in enumerate(phase)]
        taps = list(product(*([tap for tap, _ in column] for column in columns)))
        if not taps:
            continue
        padded = np.pad(x, [(0, 0), *[(1, 0)] * problem.rank, (0, 0)])  # cell 0 holds zeros
        views = [padded[np.ix_(np.arange(len(x)), *cells)] for cells in
                 product(*([cells for _, cells in column] for column in columns))]
        yield [numbers[tap] for tap in taps], np.stack(views, axis=-2)


def _seen(problem: Problem, axis: int, tap: int, phase: int) -> tuple[int, Array]:
    """The coarse cell that a tap joins to each fine cell of a phase, counted from 1; 0 where there is none."""
    fine = np.arange((phase - problem.lo[axis]) % problem.stride[axis], problem.fine[axis], problem.stride[axis])
    cells = (fine + problem.lo[axis] - tap * problem.dilation[axis]) // problem.stride[axis]
    return tap, np.where((cells >= 0) & (cells < problem.coarse[axis]), cells + 1, 0)


def _waves(x: Array, problem: Problem, patch: Bins, bins: Sequence[Bins], size: int) -> Array:
    starts = list(product(*(patch_starts(fine, side) for fine, side in zip(problem.fine, patch, strict=True))))
    every = max(1, len(x) * len(starts) // MOST_PATCHES)
    form, count = np.zeros((len(bins), problem.groups, size, size)), 0
    for start in starts:
        seen = x[::every]
        form += _at_patch(seen, problem, patch, bins, start)
        count += len(seen)
    return form / (count * math.prod(patch))


def _at_patch(x: Array, problem: Problem, patch: Bins, bins: Sequence[Bins], start: Bins) -> Array:
    """The sums over all samples of the products of what any two numbers of the kernel give each frequency."""
    groups, rank = problem.groups, problem.rank
    asked = [sorted({at[axis] for at in bins}) for axis in range(rank)]
    parts = x.astype(np.complex64)
    for axis in range(rank):
        wave = _wave(problem, axis, patch[axis], asked[axis], start[axis])  # taps, frequencies, cells
        parts = np.tensordot(parts, wave, axes=(1, 2))
    # Now (N, C, taps, frequencies, taps, frequencies, ...), a pair for each axis.
    parts = parts.transpose(*range(3, 2 * rank + 2, 2), 0, *range(2, 2 * rank + 2, 2), 1)
    form = []
    for at in bins:
        rows = parts[tuple(asked[axis].index(at[axis]) for axis in range(rank))]
        rows = rows.reshape(len(x), -1, groups, x.shape[-1] // groups).transpose(2, 0, 1, 3).reshape(groups, len(x), -1)
        form.append((rows.conj().swapaxes(1, 2) @ rows).real)
    return np.array(form)


def _wave(problem: Problem, axis: int, side: int, asked: Sequence[int], start: int) -> Array:
    """What each coarse cell, by each tap, adds to each frequency of a windowed patch; `(taps, frequencies, cells)`."""
    taps, cells = np.arange(problem.kernel[axis])[:, None], np.arange(problem.coarse[axis])
    at = cells * problem.stride[axis] + taps * problem.dilation[axis] - problem.lo[axis] - start
    inside = (at >= 0) & (at < side) & (at + start < problem.fine[axis])
    taper = np.where(inside, window((side,))[0][np.clip(at, 0, side - 1)], 0)
    turns = np.exp(-2j * np.pi * np.array(asked)[:, None] * at[:, None, :] / side)
    return (taper[:, None, :] * turns).astype(np.complex64)
