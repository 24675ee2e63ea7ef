"""The kernel that takes a pattern out of a layer's real results and changes them otherwise as little as can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import Problem, whole
from ..methods import phases
from ..methods.channels import Array, grouped
from .moments import Bins, Moments, moments
from .natural import lattice, natural
from .spectrum import level, patch_powers, patch_size, weights

__all__ = ["Change", "least_change"]

ROUNDS, CLOSE = 100, 0.005
MARGIN = 0.9
"""Share of what is natural that is aimed at, since other inputs will give a little more than these."""

FAINT = 1e-5
"""Share of the mean power of all frequencies below which a pattern is let be: far too faint to see or hear."""

RIDGE = 1e-6
"""Share of the mean energy that is added for numbers of the kernel that no input ever meets: they stay."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What was changed.

    Args:
        kernel: the new one, in the shape and dtype of the old.
        before, after: energy at the multiples of 1 / period in the results that the inputs give, in the mean over
            samples and the layer's channels.
        natural: what the frequencies around let one expect.
        moved: length of the change of the kernel over the length of the kernel.
        difference: mean square of the change of the result over the mean square of the result.
    """

    kernel: Array
    before: float
    after: float
    natural: float
    moved: float
    difference: float


def least_change(kernel: ArrayLike, x: ArrayLike, problem: Problem, *, periods: Sequence[int]) -> Change:
    """Bring the power at every multiple of 1 / period down to what is natural there, and no further.

    Samples count as in `spectrum`: the less the busier they are.

    Of all kernels that do so for these inputs, the one whose results are nearest to those of the old kernel, in least
    squares. The old kernel is w, the new one w + v; E is the energy of a result and Q the power at one frequency, both
    as quadratic forms in a kernel. The least `v' E v` with `(w + v)' Q (w + v) <= natural` at each frequency solves
    `(E + sum of lam Q) (w + v) = E w`, a linear system; the multipliers lam are 0 where the power is natural already,
    and are raised in turn until it is. The problem is convex, and so the answer is the only one.

    Args:
        kernel: shape `(*K, D / groups, C)`.
        x: real inputs of the layer, shape `(N, *coarse, C)`.
        problem: the setting met by these sizes.
        periods: samples of the fine grid, >= 2 each: the layer's stride, and its products with those before it.

    Raises:
        ShapeError: if the arrays do not fit the problem, or the fine grid is too small for the periods.
        SizeError: if the layer is too large.
    """
    given, x = np.asarray(kernel), np.asarray(x)
    problem.extent("least_change", coarse=x.shape, kernel=given.shape)
    period = math.lcm(*(whole("least_change", "period", each, 2) for each in periods))
    patch = patch_size([problem.fine], period)
    bins = sorted({min(at, tuple(-a % side for a, side in zip(at, patch, strict=True)))
                   for each in periods for at in lattice(patch, each)})
    powers = [patch_powers(sample, patch) for sample in phases(x, given.astype(x.dtype), problem)]
    counted = weights(np.array([np.mean([level(one, period) for one in each]) for each in powers]))
    found = np.mean([weight * np.mean(each, axis=0) for weight, each in zip(counted, powers, strict=True)], axis=0)
    ceiling = np.maximum(MARGIN * natural(found, period), FAINT * found.mean())[tuple(np.transpose(bins))]
    even = x * np.sqrt(counted).astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))
    forms = moments(even, problem, patch=patch, bins=bins)
    old = _columns(given.astype(float), problem.groups)
    new = _solved(old, forms, ceiling)
    return _change(given, old, new, forms, ceiling / MARGIN, _waves_of(bins, patch), problem.groups)


def _waves_of(bins: Sequence[Bins], patch: Bins) -> Array:
    return np.array([1 if all(-a % side == a for a, side in zip(at, patch, strict=True)) else 2 for at in bins])


def _columns(kernel: Array, groups: int) -> Array:
    """`(*K, D / groups, C)` to `(groups, taps * C / groups, D / groups)`: one column for each fine channel."""
    split = grouped(kernel.reshape(-1, *kernel.shape[-2:]), groups)
    return split.transpose(2, 0, 3, 1).reshape(groups, -1, kernel.shape[-2])


def _kernel(columns: Array, shape: Sequence[int], groups: int) -> Array:
    *taps, fine, coarse = shape
    split = columns.reshape(groups, math.prod(taps), coarse // groups, fine)
    return split.transpose(1, 3, 0, 2).reshape(shape)


def _power(columns: Array, form: Array) -> Array:
    """The mean over all fine channels of a quadratic form, for each of a stack of forms `(..., groups, n, n)`."""
    return np.einsum("gnd,...gnd->...", columns, form @ columns) / (columns.shape[0] * columns.shape[2])


def _solved(old: Array, forms: Moments, ceiling: Array) -> Array:
    usual = np.trace(forms.energy, axis1=1, axis2=2).mean()
    energy = forms.energy + RIDGE * usual / old.shape[1] * np.eye(old.shape[1])
    wanted, new = energy @ old, old
    # The first guess makes a frequency count as much as all the others of a patch together.
    multipliers = np.where(_power(old, forms.waves) > ceiling, usual / np.maximum(
        np.trace(forms.waves, axis1=2, axis2=3).mean(axis=1), 1e-30), 0.0)
    for _ in range(ROUNDS):
        new = np.linalg.solve(energy + np.einsum("f,fgnm->gnm", multipliers, forms.waves), wanted)
        ratio = _power(new, forms.waves) / ceiling
        if ((np.abs(ratio - 1) < CLOSE) | ((multipliers == 0) & (ratio < 1 + CLOSE))).all():
            break
        started = np.where(ratio > 1 + CLOSE, multipliers.max() / 100, 0.0)
        multipliers = np.where(multipliers > 0, multipliers * np.clip(ratio, 0.2, 5), started)
    return new


def _change(given: Array, old: Array, new: Array, forms: Moments, ceiling: Array, waves: Array, groups: int) -> Change:
    before, after = (float(waves @ _power(columns, forms.waves)) for columns in (old, new))
    dtype = given.dtype if given.dtype.kind == "f" else np.dtype(float)
    length = max(float(np.linalg.norm(old)), 1e-30)
    whole_energy = max(float(_power(old, forms.energy)), 1e-30)
    return Change(_kernel(new, given.shape, groups).astype(dtype), before, after, float(waves @ ceiling),
                  float(np.linalg.norm(new - old)) / length, float(_power(new - old, forms.energy)) / whole_energy)
