"""Exactly equal layers: what to do where a framework cannot say a setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedError
from ..geometry import Axis, Spec
from .saying import zero_taps
from .steps import Other

__all__ = ["REWRITES", "Rewrite", "block_diagonal", "leading_zero_tap", "write_out_dilation"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Rewrite:
    """One exact change of a layer: of its setting, of its kernel, in words, and whether it changes anything."""

    setting: Callable[[Spec], Spec]
    step: Callable[[Spec], Other]
    words: Callable[[Spec], str]
    changes: Callable[[Spec], bool]

    def __call__(self, kernel: Array, spec: Spec) -> tuple[Array, Spec]:
        return self.step(spec)(np.asarray(kernel)), self.setting(spec)


def leading_zero_tap(kernel: Array, spec: Spec) -> tuple[Array, Spec]:
    """The same layer with a crop that is the same at both ends and not negative, by zero taps around the kernel.

    Args:
        kernel: shape `(*K, D / groups, C)`.
        spec: the setting.

    Returns:
        The kernel with zero taps before it where `lo < hi`, after it where `lo > hi`; and the setting that fits it.

    Raises:
        UnsupportedError: if the dilation does not divide the difference of the ends.

    >>> kernel, spec = leading_zero_tap(np.ones((3, 1, 1)), Spec.of(kernel=(3,), stride=2, crop=((0, 1),)))
    >>> kernel.ravel(), spec.axes[0]
    (array([0., 1., 1., 1.]), Axis(kernel=4, stride=2, dilation=1, crop=(1, 1)))
    """
    return ZERO_TAPS(kernel, spec)


def write_out_dilation(kernel: Array, spec: Spec) -> tuple[Array, Spec]:
    """The same layer without a dilation, by zeros between the taps.

    >>> write_out_dilation(np.ones((2, 1, 1)), Spec.of(kernel=(2,), dilation=3))[0].ravel()
    array([1., 0., 0., 1.])
    """
    return DILATION(kernel, spec)


def block_diagonal(kernel: Array, spec: Spec) -> tuple[Array, Spec]:
    """The same layer without groups, by zeros between the groups' kernels: `(*K, D / groups, C)` to `(*K, D, C)`.

    >>> block_diagonal(np.ones((1, 1, 2)), Spec.of(kernel=(1,), groups=2))[0][0]
    array([[1., 0.],
           [0., 1.]])
    """
    return GROUPS(kernel, spec)


def _axes(change: Callable[[Axis], Axis]) -> Callable[[Spec], Spec]:
    return lambda spec: replace(spec, axes=tuple(map(change, spec.axes)))


def _symmetric(axis: Axis) -> Axis:
    if (axis.hi - axis.lo) % axis.dilation:
        raise UnsupportedError(f"leading_zero_tap: crop {axis.crop} with dilation {axis.dilation} cannot become "
                               f"symmetric, since a tap moves an end by the dilation; write the dilation out first "
                               "(write_out_dilation).")
    before, after = zero_taps(axis)
    crop = (axis.lo + before * axis.dilation, axis.hi + after * axis.dilation)
    return replace(axis, kernel=axis.kernel + before + after, crop=crop)


def _with_zero_taps(spec: Spec) -> Other:
    ends = (*map(zero_taps, spec.axes), (0, 0), (0, 0))
    return Other(lambda kernel: np.pad(kernel, ends), f"{{0}} = np.pad({{0}}, {ends})")


def _zero_tap_words(spec: Spec) -> str:
    counts = [zero_taps(axis) for axis in spec.axes]
    said = [f"{count} {end} it on axis {axis}" for axis, pair in enumerate(counts)
            for count, end in zip(pair, ("before", "after"), strict=True) if count]
    return "put zero taps around the kernel: " + ", ".join(said)


def _spread(spec: Spec) -> Other:
    sizes, taps = (tuple(axis.reach for axis in spec.axes), tuple(slice(None, None, a.dilation) for a in spec.axes))

    def spread(kernel: Array) -> Array:
        out = np.zeros((*sizes, *kernel.shape[-2:]), kernel.dtype)
        out[taps] = kernel
        return out

    shape, every = ", ".join(map(str, sizes)), ", ".join(f"::{axis.dilation}" for axis in spec.axes)
    return Other(spread, f"spread = np.zeros(({shape}, *{{0}}.shape[-2:]), {{0}}.dtype)\n"
                         f"spread[{every}] = {{0}}\n{{0}} = spread")


def _apart(spec: Spec) -> Other:
    groups = spec.groups

    def apart(kernel: Array) -> Array:
        own = np.arange(kernel.shape[-1]) * groups // kernel.shape[-1]
        return np.concatenate([np.where(own == group, kernel, 0) for group in range(groups)], axis=-2)

    return Other(apart, f"own = np.arange({{0}}.shape[-1]) * {groups} // {{0}}.shape[-1]  # each channel's group\n"
                        f"{{0}} = np.concatenate([np.where(own == group, {{0}}, 0) for group in range({groups})], "
                        "axis=-2)")


ZERO_TAPS = Rewrite(_axes(_symmetric), _with_zero_taps, _zero_tap_words,
                    lambda spec: any(axis.lo != axis.hi or axis.lo < 0 for axis in spec.axes))
DILATION = Rewrite(_axes(lambda axis: replace(axis, kernel=axis.reach, dilation=1)), _spread,
                   lambda spec: "write the dilation out as zeros between the taps",
                   lambda spec: any(axis.dilation > 1 for axis in spec.axes))
GROUPS = Rewrite(lambda spec: replace(spec, groups=1), _apart,
                 lambda spec: f"write the {spec.groups} groups out as one kernel with zeros between them",
                 lambda spec: spec.groups > 1)
REWRITES = {"groups": GROUPS, "dilation": DILATION, "zero taps": ZERO_TAPS}
