"""A fixed blur folded into a model's last transposed convolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..diagnose import Smoothed, smoothed
from ..methods.channels import Array
from .mendable import Mendable, Patient

__all__ = ["Blur", "Smoothing", "planned", "sharpness", "smooth"]


@dataclass(frozen=True, slots=True)
class Blur:
    """What is folded in.

    Args:
        name: in `tconv.diagnose.smoothing.BLURS`.
        period: samples, >= 2; the layer's stride if not given.
    """

    name: str = "box"
    period: int | None = None


@dataclass(frozen=True, slots=True)
class Smoothing:
    """A layer into which a blur was folded.

    Args:
        where: its place in the model.
        blur: the blur's name.
        periods: whose multiples of 1 / period are gone from the layer's result, along each axis.
        taps: of the kernel, before and after, for each pair of channels.
        shift: samples by which the result lies elsewhere: 0.5 where the blur has an even number of taps.
    """

    where: str
    blur: str
    periods: tuple[int, ...]
    taps: tuple[int, int]
    shift: float

    @property
    def cost(self) -> float:
        """Multiply-adds of the layer, after over before."""
        return self.taps[1] / self.taps[0]


def planned(patients: Sequence[Patient], blur: Blur) -> tuple[tuple[Patient, Smoothed], ...]:
    """Layers, and what they become.

    Raises:
        SettingError: if the blur is none.
    """
    return tuple((patient, smoothed(patient.kernel, patient.spec, blur=blur.name, period=blur.period))
                 for patient in patients)


def smooth(model: Mendable, plans: Sequence[tuple[Patient, Smoothed]], blur: Blur) -> tuple[Smoothing, ...]:
    """Give layers what was planned.

    Raises:
        UnsupportedError: if the framework has no words for the layer with the longer kernel.
    """
    for patient, plan in plans:
        model.grow(patient.where, plan.kernel, plan.settings)
    return tuple(_done(*row, blur) for row in plans)


def _done(patient: Patient, plan: Smoothed, blur: Blur) -> Smoothing:
    before, after = (math.prod(kernel.shape[:-2]) for kernel in (patient.kernel, plan.kernel))
    periods = tuple(blur.period or axis.stride for axis in patient.spec.axes)
    return Smoothing(patient.where, blur.name, periods, (before, after), 0.5 if len(plan.settings) > 1 else 0.0)


def sharpness(before: Array, after: Array) -> float:
    """Energy of the differences between neighbours, after over before: 1 where nothing was blurred.

    Args:
        before, after: results, shape `(N, *S, C)`.

    >>> steps = np.array([0.0, 0, 1, 1]).reshape(1, 4, 1)
    >>> sharpness(steps, np.array([0.0, 0.5, 1, 1]).reshape(1, 4, 1))
    0.5
    """
    old, new = (sum(float(np.square(np.diff(each, axis=axis)).sum()) for axis in range(1, each.ndim - 1))
                for each in (before, after))
    return new / old if old else 1.0
