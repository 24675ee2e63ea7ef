"""Kernels to start from: bilinear, free of checkerboards, or with a variance that counts the taps of each phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .errors import SettingError, ShapeError
from .geometry import Axis, overlap, per_axis, whole
from .methods.channels import Array
from .resize import ORDERS

__all__ = ["DISTRIBUTIONS", "Fans", "bilinear", "fan", "fans", "icnr", "icnr_transposed", "variance_scaling"]


def bilinear(kernel_size: Sequence[int], channels: int, *, groups: int = 1, dtype: DTypeLike = np.float32) -> Array:
    """A transposed convolution's kernel that interpolates each channel linearly and mixes none.

    Along an axis the taps are a triangle about the kernel's middle, `1 - |tap - middle| / factor` with
    `factor = (K + 1) // 2` (Long, Shelhamer, Darrell: Fully Convolutional Networks, 2015). With stride S it
    interpolates for `K = 2 * S - S % 2`; S = 2 wants four taps, and a crop of one at both ends.

    Args:
        kernel_size: taps per axis; its length is the number of axes.
        channels: on either side, >= 1.
        groups: 1 for a kernel that is diagonal in its channels, `channels` for a depthwise one, or between.
        dtype: of the result.

    Returns:
        Shape `(*K, channels / groups, channels)`.

    Raises:
        SettingError: if a number is out of range, or the groups do not divide the channels.

    >>> bilinear((4,), 1).ravel()
    array([0.25, 0.75, 0.75, 0.25], dtype=float32)
    """
    sizes = [whole("bilinear", "kernel_size", size, 1) for size in kernel_size]
    channels, groups = whole("bilinear", "channels", channels, 1), whole("bilinear", "groups", groups, 1)
    if channels % groups or not sizes:
        raise SettingError(f"bilinear: kernel_size is {tuple(sizes)}, channels is {channels} and groups is {groups}; "
                           "give one axis or more, and groups that divide the channels.")
    taps = np.ones(())
    for size in sizes:
        taps = np.multiply.outer(taps, 1 - np.abs(np.arange(size) - (size - 1) / 2) / ((size + 1) // 2))
    row = np.arange(channels // groups)[:, None] == np.arange(channels) % (channels // groups)
    return (taps[..., None, None] * row).astype(dtype)


def icnr(kernel: ArrayLike, factor: int | Sequence[int], *, order: str = "DCR") -> Array:
    """A sub-pixel convolution's kernel whose blocks start out flat: every place in a block gets the same taps.

    Behind it, `pixel_shuffle` gives what resizing the small convolution's result with `nearest` would (Aitken et al.,
    Checkerboard artifact free sub-pixel convolution, 2017).

    Args:
        kernel: the small convolution's, shape `(*K, D, C)`, drawn from any distribution.
        factor: cells that one cell becomes, >= 1; one for all axes or one each.
        order: the channel order of the shuffle, a name in `tconv.resize.ORDERS`.

    Returns:
        Shape `(*K, D, C * prod(factor))`; the dtype of `kernel`.

    Raises:
        SettingError: if the factor or the order is none.
        ShapeError: if the kernel has no spatial axis.

    >>> icnr(np.array([[[1, 2]]]), 2).ravel(), icnr(np.array([[[1, 2]]]), 2, order="CRD").ravel()
    (array([1, 2, 1, 2]), array([1, 1, 2, 2]))
    """
    kernel, factors = _small("icnr", kernel, "factor", factor)
    if order not in ORDERS:
        raise SettingError(f"icnr: order is {order!r}, but has to be one of {', '.join(ORDERS)}.")
    block = math.prod(factors)
    return np.tile(kernel, block) if order == "DCR" else np.repeat(kernel, block, -1)


def icnr_transposed(kernel: ArrayLike, stride: int | Sequence[int]) -> Array:
    """A transposed convolution's kernel that starts without a checkerboard: each tap repeated `stride` times.

    With that stride, the layer gives what resizing the small kernel's stride-1 result with `nearest` would.

    Args:
        kernel: the small kernel, shape `(*K, D / groups, C)`, drawn from any distribution.
        stride: the layer's, >= 1; one for all axes or one each.

    Returns:
        Shape `(*K * stride, D / groups, C)`; the dtype of `kernel`.

    Raises:
        SettingError: if the stride is none.
        ShapeError: if the kernel has no spatial axis.

    >>> icnr_transposed(np.array([1, 2]).reshape(2, 1, 1), 2).ravel()
    array([1, 1, 2, 2])
    """
    kernel, strides = _small("icnr_transposed", kernel, "stride", stride)
    for axis, times in enumerate(strides):
        kernel = np.repeat(kernel, times, axis)
    return kernel


def _small(where: str, kernel: ArrayLike, name: str, value: Any) -> tuple[Array, tuple[int, ...]]:
    kernel = np.asarray(kernel)
    if kernel.ndim < 3:
        raise ShapeError(f"{where}: the kernel has shape {kernel.shape}, but has to have one spatial axis or more and "
                         "two of channels.")
    return kernel, tuple(whole(where, name, each, 1) for each in per_axis(where, name, value, kernel.ndim - 2))


class Fans(NamedTuple):
    """How many products add up to one number of a layer's result, and in how many results one input takes part."""

    fan_in: float
    fan_out: float


def fans(shape: Sequence[int], *, stride: int | Sequence[int] = 1, groups: int = 1, transposed: bool = True) -> Fans:
    """The true fans of a layer, as means over the phases of its fine grid, away from the ends.

    A fine cell collects only the taps of its phase: `K / stride` along an axis in the mean, not K. So a stride-2 layer
    in 2-D has a quarter of the fan that counting the whole kernel gives, and starts with a quarter of the intended
    variance.

    Args:
        shape: of the kernel, `(*K, D / groups, C)`.
        stride: the layer's, >= 1; one for all axes or one each.
        groups: the layer's.
        transposed: whether the layer is the transposed convolution or the convolution that shares the kernel.

    Raises:
        SettingError: if the shape has no spatial axis, or a setting is out of range.

    >>> fans((4, 4, 64, 128), stride=2)
    Fans(fan_in=512.0, fan_out=1024.0)
    """
    sizes = [whole("fans", "shape", size, 1) for size in shape]
    if len(sizes) < 3:
        raise SettingError(f"fans: shape is {tuple(shape)}, but has to be that of a kernel, (*K, D / groups, C).")
    *taps, fine, coarse = sizes
    strides = per_axis("fans", "stride", stride, len(taps))
    if coarse % whole("fans", "groups", groups, 1):
        raise SettingError(f"fans: groups is {groups}, but has to divide the {coarse} channels (last axis of "
                           f"{tuple(shape)}).")
    meet = [overlap(Axis(k, s)) for k, s in zip(taps, strides, strict=True)]
    to_fine = coarse // groups * math.prod(sum(phases) / len(phases) for phases in meet)
    to_coarse = float(fine * math.prod(taps))
    return Fans(to_fine, to_coarse) if transposed else Fans(to_coarse, to_fine)


_MODES: dict[str, Callable[[Fans], float]] = {
    "fan_in": lambda both: both.fan_in,
    "fan_out": lambda both: both.fan_out,
    "fan_avg": lambda both: (both.fan_in + both.fan_out) / 2,
}


def fan(
    shape: Sequence[int], mode: str, *, stride: int | Sequence[int] = 1, groups: int = 1, transposed: bool = True
) -> float:
    """The one of a layer's true fans, or their mean, that `mode` names: `fan_in`, `fan_out` or `fan_avg`; see `fans`.

    >>> fan((4, 4, 64, 128), "fan_avg", stride=2)
    768.0
    """
    if mode not in _MODES:
        raise SettingError(f"fan: mode is {mode!r}, but has to be one of {', '.join(_MODES)}.")
    return _MODES[mode](fans(shape, stride=stride, groups=groups, transposed=transposed))


def _truncated(numbers: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal values, those beyond two deviations drawn again; scaled to a variance of 1."""
    values = numbers.standard_normal(shape)
    while (far := np.abs(values) > 2).any():
        values[far] = numbers.standard_normal(int(far.sum()))
    return values / 0.87962566103423978


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda numbers, shape: numbers.standard_normal(shape),
    "truncated_normal": _truncated,
    "uniform": lambda numbers, shape: numbers.uniform(-math.sqrt(3), math.sqrt(3), shape),
}
"""How values are drawn, each with a mean of 0 and a variance of 1."""

def variance_scaling(
    shape: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    groups: int = 1,
    transposed: bool = True,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
    seed: int | np.random.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> Array:
    """Draw a kernel of variance `scale / fan`, with the true fan: a result's variance is `scale` times its input's.

    Args:
        shape: of the kernel, `(*K, D / groups, C)`.
        stride, groups, transposed: the layer's, as in `fans`.
        scale: 1 for LeCun's and (with `fan_avg`) Glorot's initialisation, 2 for He's, which expects a ReLU.
        mode: the fan to divide by: `fan_in`, `fan_out` or `fan_avg`.
        distribution: a name in `DISTRIBUTIONS`.
        seed: a whole number for the same kernel again, or a generator.
        dtype: of the result.

    Raises:
        SettingError: if a name or a number is out of range.

    >>> variance_scaling((4, 4, 8, 8), stride=2, seed=0).shape
    (4, 4, 8, 8)
    """
    if distribution not in DISTRIBUTIONS:
        raise SettingError(f"variance_scaling: distribution is {distribution!r}, but has to be one of "
                           f"{', '.join(DISTRIBUTIONS)}.")
    if not 0 < scale < math.inf:
        raise SettingError(f"variance_scaling: scale is {scale!r}, but has to be a number > 0.")
    counted = fan(shape, mode, stride=stride, groups=groups, transposed=transposed)
    values = DISTRIBUTIONS[distribution](np.random.default_rng(seed), tuple(shape))
    return (values * math.sqrt(scale / counted)).astype(dtype)
