"""How strong each frequency is in pictures or sound: the mean over overlapping patches (Welch's method)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError
from ..geometry import whole
from ..methods.channels import Array
from .natural import FLOOR, near

__all__ = [
    "LARGEST", "LEAST", "Spectrum", "level", "patch_powers", "patch_size", "patch_starts", "samples_of", "spectrum",
    "weights", "window",
]

LARGEST = {1: 4096, 2: 64, 3: 32}
"""The longest side of a patch, in samples, by the number of axes."""

LEAST = 8
"""Bins from one multiple of 1 / period to the next; fewer leave no room to see what is natural between them."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The mean power at each frequency.

    Args:
        power: shape `(*P,)` for patches of P samples, frequency 0 first, as `numpy.fft.fftn` has it; noise of variance
            1 has power 1 everywhere.
        patches: how many were averaged.
    """

    power: Array
    patches: int

    @property
    def rank(self) -> int:
        """Number of axes."""
        return self.power.ndim


def samples_of(samples: ArrayLike | Iterable[ArrayLike]) -> list[Array]:
    """Each picture or sound as an array `(*S, C)` of float64: from one stack `(N, *S, C)`, or from several such arrays.

    Raises:
        ShapeError: if there is none, or one has no axis or another number of them.
    """
    found = [np.asarray(sample, float) for sample in samples]  # type: ignore[union-attr]
    if not found or {sample.ndim - 1 for sample in found} - LARGEST.keys() or len({s.ndim for s in found}) > 1:
        raise ShapeError(f"diagnosis: the samples have shapes {[sample.shape for sample in found[:3]]}, but have to be "
                         "one or more of (*S, C), with 1 to 3 axes, as many for all, and channels last.")
    return found


def patch_size(sizes: Sequence[Sequence[int]], period: int) -> tuple[int, ...]:
    """The largest patch of whole periods that fits into samples of all these sizes; see `LARGEST`.

    Raises:
        ShapeError: if a sample is too small for the period.

    >>> patch_size([(64, 64), (50, 200)], 4)
    (48, 64)
    """
    whole("diagnosis", "period", period, 2)
    room = [min(column) for column in zip(*sizes, strict=True)]
    patch = tuple(min(side, max(LARGEST[len(room)], LEAST * period)) // period * period for side in room)
    if min(patch) < LEAST * period:
        raise ShapeError(f"diagnosis: the smallest sample has a side of {min(room)}, but a period of {period} takes "
                         f"{LEAST * period}; give larger samples, or shorter periods.")
    return patch


def patch_starts(size: int, patch: int, step: int = 1) -> list[int]:
    """Where patches start along an axis: each covers half of the one before; whole multiples of `step`.

    >>> patch_starts(10, 4), patch_starts(11, 4, step=4)
    ([0, 2, 4, 6], [0, 4])
    """
    stride = max(patch // 2 // step * step, step)
    return list(range(0, size - patch + 1, stride))


def window(patch: Sequence[int]) -> list[Array]:
    """A Hann window for each axis, with mean square 1: patches end softly, so that their ends are no frequency."""
    return [np.sqrt(8 / 3) * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(side) / side)) for side in patch]


def spectrum(samples: ArrayLike | Iterable[ArrayLike], *, period: int = 2) -> Spectrum:
    """The mean power of patches of all samples, over all channels.

    A patch counts the less the busier it is, by `weights`: else a few samples full of detail would decide for all.

    Args:
        samples: pictures or sounds, a stack `(N, *S, C)` or several arrays `(*S, C)` of any sizes.
        period: the patches hold whole periods of so many samples, >= 2.

    Raises:
        ShapeError: if a sample is too small for the period, or no picture.

    >>> stripes = np.tile([1.0, -1.0], 8).reshape(1, 16, 1)
    >>> int(spectrum(stripes).power.argmax())
    8
    """
    found = samples_of(samples)
    patch = patch_size([sample.shape[:-1] for sample in found], period)
    counted = weights(np.array([level(_power(part, patch), period) for part in _patches(found, patch)]))
    total = np.zeros(patch)
    for weight, part in zip(counted, _patches(found, patch), strict=True):
        total += weight * _power(part, patch)
    return Spectrum(total / len(counted), len(counted))


def level(power: Array, period: int) -> float:
    """How busy a patch is: the geometric mean of its power at all frequencies that belong to no pattern."""
    return float(np.exp(np.log(np.maximum(power, FLOOR))[~near(power.shape, period)].mean()))


def weights(levels: Array) -> Array:
    """How much patches count, 1 in the mean: a flat one twice as much as one of the middle, a busy one as its inverse.

    >>> weights(np.array([1.0, 1.0, 0.0])).tolist()
    [0.75, 0.75, 1.5]
    """
    counted = 1 / np.maximum(levels + np.median(levels), FLOOR)
    return np.asarray(counted / counted.mean())


def _patches(samples: Iterable[Array], patch: tuple[int, ...]) -> Iterator[Array]:
    for sample in samples:
        for start in product(*(patch_starts(size, side) for size, side in zip(sample.shape, patch))):
            yield sample[tuple(slice(at, at + side) for at, side in zip(start, patch, strict=True))]


def patch_powers(sample: Array, patch: tuple[int, ...]) -> list[Array]:
    """The power of every patch of one sample `(*S, C)`."""
    return [_power(part, patch) for part in _patches([sample], patch)]


def _power(part: Array, patch: tuple[int, ...]) -> Array:
    axes = tuple(range(len(patch)))
    part = part - part.mean(axis=axes)
    for axis, taper in enumerate(window(patch)):
        part = part * taper.reshape([-1 if axis == other else 1 for other in range(part.ndim)])
    waves = np.fft.fftn(part, axes=axes)
    return np.square(np.abs(waves)).mean(axis=-1) / math.prod(patch)
