"""A resize and the convolution behind it as one transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError
from ..geometry import Spec, per_axis, whole
from ..methods.channels import Array

__all__ = ["resize_conv_as_transposed", "turned"]


def resize_conv_as_transposed(kernel: ArrayLike, factor: int | Sequence[int], *, groups: int = 1,
                              padding: Any = "same") -> tuple[Array, Spec]:
    """The one transposed convolution that equals: repeat each cell `factor` times, then convolve with stride 1.

    Each cell becomes a block of equal cells, and a block under the flipped kernel is a stamp: the kernel convolved with
    ones.

    Args:
        kernel: the convolution's, shape `(*K, C / groups, D)` for C channels in and D out.
        factor: cells that each cell becomes, >= 1; one for all axes or one each.
        groups: the convolution's groups.
        padding: zeros around the repeated cells, samples: a number, or an entry per axis, a number or a pair
            `(lo, hi)`, where negative ones cut cells off; or "same", which is `(K - 1) // 2` at the start and the rest
            at the end.

    Returns:
        The transposed convolution's kernel, shape `(*K + factor - 1, D / groups, C)`, in the dtype of `kernel`, and its
        setting. The results are equal sample by sample, ends included, and exactly so in integers.

    Raises:
        SettingError: if the factor, the group count or the padding is none.
        ShapeError: if the kernel has no spatial axis, or its channels do not fall into the groups.

    >>> kernel, setting = resize_conv_as_transposed(np.array([1, 2, 3]).reshape(3, 1, 1), 2)
    >>> kernel.ravel(), setting.axes[0].crop
    (array([3, 5, 3, 1]), (1, 1))
    """
    where, kernel = "resize_conv_as_transposed", np.asarray(kernel)
    groups, rank = whole(where, "groups", groups, 1), kernel.ndim - 2
    if rank < 1 or 0 in kernel.shape:
        raise ShapeError(f"{where}: the kernel has shape {kernel.shape}, but has to be (*K, C / groups, D) with one "
                         "axis or more, none of them empty.")
    if kernel.shape[-1] % groups:
        raise ShapeError(f"{where}: {kernel.shape[-1]} channels out (last axis of {kernel.shape}) do not fall into "
                         f"groups={groups}; take a group count that divides them.")
    factors = tuple(whole(where, "factor", value, 1) for value in per_axis(where, "factor", factor, rank))
    sizes = kernel.shape[:-2]
    stamp = turned(np.flip(kernel, tuple(range(rank))), groups)
    for axis, times in enumerate(factors):
        stamp = _convolved_with_ones(stamp, axis, times)
    ends = [((k - 1) // 2, k // 2) for k in sizes] if padding == "same" else _pairs(where, padding, rank)
    crop = tuple((k - 1 - lo, k - 1 - hi) for k, (lo, hi) in zip(sizes, ends, strict=True))
    return stamp, Spec.of(stamp.shape[:-2], stride=factors, crop=crop, groups=groups)


def _pairs(where: str, padding: Any, rank: int) -> list[tuple[int, int]]:
    each = (tuple(per_axis(where, "padding", entry, 2)) for entry in per_axis(where, "padding", padding, rank))
    return [(whole(where, "padding", lo), whole(where, "padding", hi)) for lo, hi in each]


def turned(kernel: Array, groups: int) -> Array:
    """`(*K, C / groups, D)` to `(*K, D / groups, C)`: within each group, in and out change places."""
    *sizes, ins, outs = kernel.shape
    split = kernel.reshape(*sizes, ins, groups, outs // groups)
    return np.moveaxis(split, -3, -1).swapaxes(-3, -2).reshape(*sizes, outs // groups, groups * ins)


def _convolved_with_ones(kernel: Array, axis: int, times: int) -> Array:
    """One axis under a sliding sum of `times` samples, ends included."""
    size = kernel.shape[axis]
    out = np.zeros((*kernel.shape[:axis], size + times - 1, *kernel.shape[axis + 1:]), kernel.dtype)
    for shift in range(times):
        out[(slice(None),) * axis + (slice(shift, shift + size),)] += kernel
    return out
