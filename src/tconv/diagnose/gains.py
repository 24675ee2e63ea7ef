"""What each phase of a layer's fine grid gets from a flat input: the sums of its taps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError
from ..geometry import Spec, per_axis, whole
from ..methods.channels import Array
from ..resize import ORDERS

__all__ = ["checked", "gains", "shuffle_gains", "taps_by_phase", "unevenness"]


def gains(kernel: ArrayLike, spec: Spec) -> Array:
    """What a transposed convolution makes of ones, away from the ends: for each phase the sum of the taps that meet.

    Args:
        kernel: shape `(*K, D / groups, C)`.
        spec: the setting.

    Returns:
        Shape `(*stride, D / groups, C)`, the phase (fine index + lo mod stride) first; float64.

    Raises:
        ShapeError: if the kernel does not fit the setting.

    >>> gains(np.array([1, 2, 3]).reshape(3, 1, 1), Spec.of(kernel=(3,), stride=2)).ravel()
    array([4., 2.])
    """
    kernel = checked("gains", kernel, spec)
    out = np.zeros((*(axis.stride for axis in spec.axes), *kernel.shape[-2:]))
    for tap in np.ndindex(kernel.shape[:-2]):
        out[phase_of(spec, tap)] += kernel[tap]
    return out


def shuffle_gains(kernel: ArrayLike, factor: int | Sequence[int], *, order: str = "DCR") -> Array:
    """The same of a convolution with stride 1 and the pixel shuffle behind it.

    Args:
        kernel: the convolution's, shape `(*K, C / groups, D * prod(factor))` for C channels in and D after the shuffle.
        factor: cells that one cell becomes, >= 1; one for all axes or one each.
        order: the channel order of the shuffle, a name in `tconv.resize.ORDERS`.

    Returns:
        Shape `(*factor, D, C / groups)`, the place within a block first; float64.

    Raises:
        ShapeError: if the channels do not fill the blocks.

    >>> shuffle_gains(np.array([[[1, 2]], [[3, 5]]]), 2).ravel()
    array([4., 7.])
    """
    kernel = np.asarray(kernel, float)
    rank = kernel.ndim - 2
    factors = tuple(whole("shuffle_gains", "factor", each, 1)
                    for each in per_axis("shuffle_gains", "factor", factor, rank))
    block = math.prod(factors)
    if rank < 1 or kernel.shape[-1] % block or order not in ORDERS:
        raise ShapeError(f"shuffle_gains: the kernel has shape {kernel.shape} and order is {order!r}, but the kernel "
                         f"has to be (*K, C, D * {block}), and the order one of {', '.join(ORDERS)}.")
    sums = kernel.sum(axis=tuple(range(rank)))
    if order == "DCR":
        return np.moveaxis(sums.reshape(sums.shape[0], *factors, -1), 0, -1)
    return np.moveaxis(sums.reshape(sums.shape[0], -1, *factors), (0, 1), (-1, -2))


def unevenness(gains: ArrayLike, rank: int) -> float:
    """How far phases are from being alike: the energy of what tells them apart, over the energy of what they share.

    0 for a layer that keeps a flat input flat; 1 where a pattern is as strong as the picture below it.

    Args:
        gains: the phases first, as from `gains` or `pattern`.
        rank: how many axes those of the phases are.

    >>> unevenness([[2.0], [2.0]], 1), unevenness([[3.0], [1.0]], 1)
    (0.0, 0.25)
    """
    gains = np.asarray(gains, float)
    phases = tuple(range(rank))
    shared = gains.mean(axis=phases)
    apart = np.square(gains - shared).mean(axis=phases).sum()
    return float(apart / total) if (total := np.square(shared).sum()) else float(apart and math.inf)


def checked(where: str, kernel: ArrayLike, spec: Spec) -> Array:
    """The kernel as float64, if it has the setting's taps and its channels fall into the groups."""
    kernel = np.asarray(kernel, float)
    taps = tuple(axis.kernel for axis in spec.axes)
    if kernel.shape[:-2] != taps or 0 in kernel.shape or kernel.shape[-1] % spec.groups:
        raise ShapeError(f"{where}: the kernel has shape {kernel.shape}, but the setting wants (*{taps}, D / groups, "
                         f"C) with C a multiple of groups={spec.groups}.")
    return kernel


def phase_of(spec: Spec, tap: Sequence[int]) -> tuple[int, ...]:
    """The phase that a tap falls on, per axis: fine index + lo mod stride."""
    return tuple(t * axis.dilation % axis.stride for t, axis in zip(tap, spec.axes, strict=True))


def taps_by_phase(spec: Spec) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """The taps of every phase, none left out.

    >>> taps_by_phase(Spec.of(kernel=(3,), stride=2))
    {(0,): [(0,), (2,)], (1,): [(1,)]}
    """
    found: dict[tuple[int, ...], list[tuple[int, ...]]] = {
        phase: [] for phase in product(*(range(axis.stride) for axis in spec.axes))}
    for tap in product(*(range(axis.kernel) for axis in spec.axes)):
        found[phase_of(spec, tap)].append(tap)
    return found
