"""What a spectrum would be at a frequency if nothing special were there: judged by the frequencies around it."""

from __future__ import annotations

from functools import reduce
from itertools import combinations_with_replacement, product

import numpy as np

from ..methods.channels import Array

__all__ = ["FLOOR", "lattice", "natural", "near"]

REACH = {1: 6, 2: 4, 3: 3}
"""How far the frequencies that judge another are from it, in bins, by the number of axes."""

FLOOR = 1e-30
"""Power below which there is none."""


def lattice(patch: tuple[int, ...], period: int) -> list[tuple[int, ...]]:
    """The bins of the multiples of 1 / period on every axis, all but frequency 0.

    >>> lattice((16,), 4)
    [(4,), (8,), (12,)]
    """
    steps = [range(0, side, side // period) for side in patch]
    return [bins for bins in product(*steps) if any(bins)]


def natural(power: Array, period: int) -> Array:
    """The power to expect at each bin, from a smooth surface through the logarithms of those around it.

    The surface is a polynomial of degree 2 and a power of the frequency; on two axes or more also a ridge along each
    axis, since natural pictures have one (upright and level edges). What belongs to the multiples of 1 / period, a
    window's width around included, is left out of all fits.

    Args:
        power: shape `(*P,)`.
        period: samples.

    Returns:
        Shape `(*P,)`.
    """
    rank, reach = power.ndim, REACH[power.ndim]
    offsets = [o for o in product(range(-reach, reach + 1), repeat=rank) if max(map(abs, o)) >= 2]
    logs, usable = np.log(np.maximum(power, FLOOR)), ~near(power.shape, period)
    axes = tuple(range(rank))
    seen = np.stack([np.roll(logs, [-s for s in o], axes).ravel() for o in offsets], axis=1)
    counted = np.stack([np.roll(usable, [-s for s in o], axes).ravel() for o in offsets], axis=1).astype(float)
    height = _height(power.shape)
    higher = np.stack([np.roll(height, [-s for s in o], axes).ravel() for o in offsets], axis=1) - height.reshape(-1, 1)
    fixed = np.broadcast_to([_terms(o) for o in offsets], (*seen.shape, len(_terms(offsets[0]))))
    terms = np.concatenate([fixed, higher[..., None]], axis=-1)
    weighted = (terms * counted[..., None]).swapaxes(1, 2)
    # A trace of the identity decides where too few frequencies are left to fit all terms.
    squares = weighted @ terms + 1e-6 * np.eye(terms.shape[-1])
    fitted = np.linalg.solve(squares, weighted @ seen[..., None])[..., 0]
    return np.exp(fitted @ np.array([*_terms((0,) * rank), 0.0])).reshape(power.shape)


def near(patch: tuple[int, ...], period: int) -> Array:
    """Which bins are a multiple of 1 / period, or next to one: true there, shape `(*P,)`."""
    axes = [np.arange(side) % (side // period) for side in patch]
    close = [np.minimum(at, side // period - at) <= 1 for at, side in zip(axes, patch, strict=True)]
    return reduce(np.logical_and.outer, close)


def _height(patch: tuple[int, ...]) -> Array:
    """The logarithm of each bin's frequency: natural power falls as a power of it."""
    steps = [np.minimum(np.arange(side), side - np.arange(side)) / side for side in patch]
    squares = reduce(np.add.outer, (np.square(step) for step in steps))
    return 0.5 * np.log(np.maximum(squares, 0.25 / max(patch) ** 2))


def _terms(offset: tuple[int, ...]) -> list[float]:
    rank = len(offset)
    squares = [offset[i] * offset[j] for i, j in combinations_with_replacement(range(rank), 2)]
    ridges = [float(abs(step) == distance) for step in offset for distance in (0, 1)] if rank > 1 else []
    return [1.0, *map(float, offset), *map(float, squares), *ridges]
