"""Whether pictures or sound repeat with a layer's stride: the energy at the multiples of 1 / stride, and how sure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError
from ..geometry import whole
from ..methods.channels import Array
from .natural import FLOOR, lattice, natural, near
from .spectrum import Spectrum, spectrum

__all__ = ["SURE", "Diagnosis", "Peak", "Period", "diagnosis", "judged"]

SURE = 4.0
"""Deviations from which on a pattern counts as found."""

LEAST_SPREAD = 0.02
"""Of the logarithms of natural ratios: no surface through a few frequencies is surer than that."""

Bins = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Peak:
    """One multiple of 1 / period.

    Args:
        frequency: cycles per sample, for each axis.
        power: mean power there.
        natural: what the frequencies around it let one expect.
        deviations: how far the logarithm of their ratio is from that of the same samples' other frequencies, in
            standard deviations of those.
        waves: of a real signal that this peak stands for: 2, with the frequency's negative, or 1.
    """

    frequency: tuple[Fraction, ...]
    power: float
    natural: float
    deviations: float
    waves: int

    @property
    def ratio(self) -> float:
        """Power over what is natural."""
        return self.power / self.natural


@dataclass(frozen=True, slots=True)
class Period:
    """All frequencies that a pattern of this period has, and no pattern of a shorter one that divides it.

    Args:
        period: samples.
        peaks: the strongest against what is natural first.
    """

    period: int
    peaks: tuple[Peak, ...]

    @property
    def energy(self) -> float:
        """Power at all its frequencies."""
        return sum(peak.waves * peak.power for peak in self.peaks)

    @property
    def natural(self) -> float:
        """What the frequencies around let one expect."""
        return sum(peak.waves * peak.natural for peak in self.peaks)

    @property
    def excess(self) -> float:
        """What stands above that: the pattern's energy. Around 0, and as often below, where there is none."""
        return self.energy - self.natural

    @property
    def deviations(self) -> float:
        """All peaks together, in standard deviations of what samples without a pattern have."""
        return sum(peak.deviations for peak in self.peaks) / math.sqrt(len(self.peaks))

    @property
    def found(self) -> bool:
        """Whether there is a pattern of this period."""
        return self.excess > 0 and max(self.deviations, self.peaks[0].deviations - 2) >= SURE


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """What was looked for in some samples, and what was found.

    Args:
        spectrum: of all samples.
        periods: in the order in which they were asked for.
    """

    spectrum: Spectrum
    periods: tuple[Period, ...]

    @property
    def found(self) -> tuple[Period, ...]:
        """The periods of which there is a pattern."""
        return tuple(period for period in self.periods if period.found)

    def period(self, period: int) -> Period:
        """The one of so many samples.

        Raises:
            KeyError: if it was not asked for.
        """
        for one in self.periods:
            if one.period == period:
                return one
        raise KeyError(period)


def diagnosis(samples: ArrayLike | Iterable[ArrayLike], *, periods: Sequence[int] = (2, 4, 8)) -> Diagnosis:
    """Look for patterns that repeat with the stride of a layer, or with the product of several.

    Args:
        samples: pictures or sounds, a stack `(N, *S, C)` or several arrays `(*S, C)` of any sizes.
        periods: samples, >= 2 each.

    Raises:
        SettingError: if there is no period, or one is no whole number >= 2.
        ShapeError: if a sample is too small: it takes 8 times the least common multiple of the periods on each side.

    >>> stripes = np.random.default_rng(0).normal(size=(4, 256, 1)) + np.tile([0.5, -0.5], 128)[:, None]
    >>> [period.found for period in diagnosis(stripes, periods=(2, 4)).periods]
    [True, False]
    """
    asked = tuple(whole("diagnosis", "period", period, 2) for period in periods)
    if not asked:
        raise SettingError("diagnosis: periods is empty; give the layers' strides, as (2, 4).")
    return judged(spectrum(samples, period=math.lcm(*asked)), asked)


def judged(found: Spectrum, periods: Sequence[int]) -> Diagnosis:
    """A spectrum's peaks against what is natural, and against its own other frequencies."""
    power, whole_period = found.power, math.lcm(*periods)
    expected = natural(power, whole_period)
    off = np.log(np.maximum(power, FLOOR) / expected)
    usual = [_usual(off, whole_period, ridge=ridge) for ridge in (False, True)]

    def peak(bins: Bins) -> Peak:
        middle, spread = usual[0 in bins]
        waves = 1 if _twin(bins, power.shape) == bins else 2
        frequency = tuple(Fraction(at if 2 * at <= side else at - side, side) for at, side in zip(bins, power.shape))
        # A frequency that is its own negative has a cosine and no sine: half as many numbers, twice the variance.
        deviations = (off[bins] - middle) / (spread * math.sqrt(2 / waves))
        return Peak(frequency, float(power[bins]), float(expected[bins]), float(deviations), waves)

    rows, shorter = [], set[Bins]()
    for period in sorted(set(periods)):
        bins = set(lattice(power.shape, period)) - shorter
        shorter |= bins
        peaks = [peak(one) for one in bins if one <= _twin(one, power.shape)]
        rows.append(Period(period, tuple(sorted(peaks, key=lambda one: (-one.deviations, one.frequency)))))
    return Diagnosis(found, tuple(rows))


def _twin(bins: Bins, patch: Bins) -> Bins:
    """The bin of the negative frequency, which has the same power in real samples."""
    return tuple(-at % side for at, side in zip(bins, patch, strict=True))


def _usual(off: Array, period: int, *, ridge: bool) -> tuple[float, float]:
    """The middle and the spread of `off` at frequencies that belong to no pattern; `ridge`: those along an axis.

    By the median and the quartiles, so that a few real peaks at other frequencies do not blur them.
    """
    steps = [np.minimum(np.arange(side), side - np.arange(side)) for side in off.shape]
    along = reduce(np.logical_or.outer, (step == 0 for step in steps))
    low = reduce(np.logical_and.outer, (step < 4 for step in steps))
    values = off[~near(off.shape, period) & ~low & (along == ridge if off.ndim > 1 else True)]
    if values.size < 4:
        return 0.0, LEAST_SPREAD
    first, middle, third = np.quantile(values, (0.25, 0.5, 0.75))
    return float(middle), float(max((third - first) / 1.349, LEAST_SPREAD))
