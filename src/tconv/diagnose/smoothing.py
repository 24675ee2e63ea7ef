"""A blur folded into a kernel: what follows a transposed convolution becomes part of it, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError
from ..geometry import Axis, Spec, whole
from ..methods.channels import Array
from .gains import checked

__all__ = ["BLURS", "Smoothed", "smoothed"]


def _box(period: int) -> Array:
    return np.full(period, 1 / period)


def _tent(period: int) -> Array:
    return np.convolve(_box(period), _box(period))


BLURS: dict[str, Callable[[int], Array]] = {"box": _box, "tent": _tent}
"""Blurs along one axis: `box` is the mean of `period` samples, `tent` that twice, which moves nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """A transposed convolution with a blur in it.

    Args:
        kernel: shape `(*K, D / groups, C)`, longer than before by the blur's taps but one on every axis.
        settings: of the layer, all of the size that it had. A blur of an even number of taps moves the result by half
            a sample, one way or the other: on each axis either of two.
    """

    kernel: Array
    settings: tuple[Spec, ...]


def smoothed(kernel: ArrayLike, spec: Spec, *, blur: str = "box", period: int | None = None) -> Smoothed:
    """The transposed convolution that gives what `spec` gives, blurred channel by channel.

    Stamping a kernel and then blurring is stamping the blurred kernel, as both are convolutions of the full result; the
    crop comes after both, so that beyond the borders the blur sees the samples that are cut off there. The mean of n
    samples has the gain `sin(pi n f) / (n sin(pi f))` at frequency f, which is 0 at every multiple of 1 / n: whatever
    the input is, nothing of these frequencies is left.

    Args:
        kernel: shape `(*K, D / groups, C)`.
        spec: the setting.
        blur: a name in `BLURS`.
        period: samples that the blur takes the mean of, >= 2; along each axis its stride if not given.

    Raises:
        SettingError: if there is no such blur, or the period is none.
        ShapeError: if the kernel does not fit the setting.

    >>> found = smoothed(np.array([1.0, 3, 1]).reshape(3, 1, 1), Spec.of((3,), stride=2, crop=((0, 1),)))
    >>> found.kernel.ravel(), [setting.axes[0].crop for setting in found.settings]
    (array([0.5, 2. , 2. , 0.5]), [(0, 2), (1, 1)])
    """
    if blur not in BLURS:
        raise SettingError(f"smoothed: blur is {blur!r}, but has to be one of {', '.join(BLURS)}.")
    given = np.asarray(kernel)
    result, axes = checked("smoothed", kernel, spec).astype(float), list[tuple[Axis, ...]]()
    for number, axis in enumerate(spec.axes):
        taps = BLURS[blur](axis.stride if period is None else whole("smoothed", "period", period, 2))
        result = _along(result, number, axis.dilation, taps)
        axes.append(_axes(axis, len(taps) - 1))
    dtype = given.dtype if given.dtype.kind == "f" else np.dtype(float)
    return Smoothed(result.astype(dtype), tuple(replace(spec, axes=chosen) for chosen in product(*axes)))


def _axes(axis: Axis, more: int) -> tuple[Axis, ...]:
    """The axis with a kernel of so many taps more, these cropped at both ends alike, or as nearly as can be."""
    early, late = more // 2, more - more // 2
    return tuple(replace(axis, kernel=axis.reach + more, dilation=1, crop=(axis.lo + lo, axis.hi + more - lo))
                 for lo in sorted({early, late}))


def _along(kernel: Array, number: int, dilation: int, taps: Array) -> Array:
    """One axis with its dilation written out, convolved in full with some taps."""
    kernel = np.moveaxis(kernel, number, 0)
    out = np.zeros(((len(kernel) - 1) * dilation + len(taps), *kernel.shape[1:]))
    for shift, tap in enumerate(taps):
        out[shift : shift + (len(kernel) - 1) * dilation + 1 : dilation] += tap * kernel
    return np.moveaxis(out, 0, number)
