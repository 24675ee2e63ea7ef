"""A transposed convolution as a sub-pixel convolution, always exactly, or as a resize and a convolution, nearly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError, ShapeError
from ..geometry import Axis, Spec
from ..methods.channels import Array
from .fusion import turned

__all__ = ["ResizeConv", "Subpixel", "transposed_as_resize_conv", "transposed_as_subpixel"]


@dataclass(frozen=True, slots=True, eq=False)
class Subpixel:
    """A convolution, a pixel shuffle behind it, and samples to cut off after that.

    Args:
        kernel: the convolution's, shape `(*Q, C / groups, D * prod(factor))`, for `pixel_shuffle(order="CRD")`.
        spec: the convolution's setting; its crop is its padding.
        factor: cells that each cell becomes, one number for each axis.
        trim: samples to cut off the end of each axis after the shuffle.
    """

    kernel: Array
    spec: Spec
    factor: tuple[int, ...]
    trim: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ResizeConv:
    """A resize that repeats cells, and a convolution behind it.

    Args:
        kernel: the convolution's, shape `(*Q, C / groups, D)`.
        spec: the convolution's setting; its crop is its padding.
        factor: repeats of each cell, one number for each axis.
        rest: length of what of the transposed convolution's kernel no such pair can say, over that kernel's length; 0
            where it is exactly such a pair.
    """

    kernel: Array
    spec: Spec
    factor: tuple[int, ...]
    rest: float


def transposed_as_subpixel(kernel: ArrayLike, spec: Spec) -> Subpixel:
    """The convolution with stride 1 whose channels are the phases of a transposed convolution: equal in every sample.

    Fine cell `m * stride + r` collects the taps t with `t * dilation - lo - r = q * stride`, each from coarse cell
    `m - q`; so phase r is a convolution, over the q that occur in any phase.

    Args:
        kernel: shape `(*K, D / groups, C)`.
        spec: the transposed convolution's setting.

    Raises:
        ShapeError: if the kernel does not fit the setting.

    >>> transposed_as_subpixel(np.array([1, 2, 3, 4]).reshape(4, 1, 1), Spec.of((4,), stride=2, crop=1)).kernel[:, 0]
    array([[4, 0],
           [2, 3],
           [0, 1]])
    """
    kernel = _checked("transposed_as_subpixel", kernel, spec)
    axes = [_phases(axis) for axis in spec.axes]
    first, last = zip(*((min(q for q, _, _ in rows), max(q for q, _, _ in rows)) for rows in axes), strict=True)
    factor = tuple(axis.stride for axis in spec.axes)
    sizes = tuple(hi - lo + 1 for lo, hi in zip(first, last, strict=True))
    ins, outs = kernel.shape[-1] // spec.groups, kernel.shape[-2] * spec.groups
    out = np.zeros((*sizes, *factor, ins, outs), kernel.dtype)
    for row in product(*axes):
        place = tuple(hi - q for hi, (q, _, _) in zip(last, row, strict=True))
        phase, tap = tuple(r for _, r, _ in row), tuple(t for _, _, t in row)
        out[place + phase] = turned(kernel[tap][None], spec.groups)[0]
    out = np.moveaxis(out, (-2, -1), (spec.rank, spec.rank + 1)).reshape(*sizes, ins, outs * math.prod(factor))
    more = [_growth(axis) for axis in spec.axes]
    pads = tuple((hi, cells - lo) for lo, hi, (cells, _) in zip(first, last, more, strict=True))
    return Subpixel(out, Spec.of(sizes, crop=pads, groups=spec.groups), factor, tuple(trim for _, trim in more))


def transposed_as_resize_conv(kernel: ArrayLike, spec: Spec) -> ResizeConv:
    """The pair whose kernel, once convolved with the repeats, is nearest to a transposed convolution's.

    A pair's transposed kernel is its own convolved with ones (`resize_conv_as_transposed`): a linear map, whose least
    squares give the nearest. Such a pair prints no pattern on flat input, whatever its numbers are.

    Args:
        kernel: shape `(*K, D / groups, C)`.
        spec: the transposed convolution's setting, without dilation.

    Raises:
        SettingError: if the setting is dilated, or the kernel is smaller than the stride.
        ShapeError: if the kernel does not fit the setting.

    >>> pair = transposed_as_resize_conv(np.array([1.0, 3, 5, 3]).reshape(4, 1, 1), Spec.of((4,), stride=2, crop=1))
    >>> pair.kernel.ravel().round(6), round(pair.rest, 6)
    (array([3., 2., 1.]), 0.0)
    """
    kernel = _checked("transposed_as_resize_conv", kernel, spec)
    if any(axis.dilation > 1 or axis.kernel < axis.stride for axis in spec.axes):
        raise SettingError(f"transposed_as_resize_conv: the axes are {spec.axes}, but the pair needs dilation 1 and a "
                           "kernel of at least the stride; write the dilation out (write_out_dilation).")
    small = kernel.astype(float)
    for number, axis in enumerate(spec.axes):
        small = np.moveaxis(np.tensordot(np.linalg.pinv(_repeats(axis)), small, axes=(1, number)), 0, number)
    back = small
    for number, axis in enumerate(spec.axes):
        back = np.moveaxis(np.tensordot(_repeats(axis), back, axes=(1, number)), 0, number)
    rest = float(np.linalg.norm(back - kernel)) / max(float(np.linalg.norm(kernel)), 1e-300)
    found = np.flip(turned(small, spec.groups), tuple(range(spec.rank)))
    pads = tuple((size - 1 - axis.lo, size - 1 - axis.hi) for size, axis in zip(found.shape, spec.axes))
    dtype = kernel.dtype if kernel.dtype.kind == "f" else np.dtype(float)
    return ResizeConv(found.astype(dtype), Spec.of(found.shape[:-2], crop=pads, groups=spec.groups),
                      tuple(axis.stride for axis in spec.axes), rest)


def _phases(axis: Axis) -> list[tuple[int, int, int]]:
    """`(cells back, phase, tap)` of every tap, phases counted from the first sample after the crop."""
    return [((tap * axis.dilation - axis.lo) // axis.stride, (tap * axis.dilation - axis.lo) % axis.stride, tap)
            for tap in range(axis.kernel)]


def _growth(axis: Axis) -> tuple[int, int]:
    """How many cells more than came in the convolution has to give, and what to cut off after the shuffle."""
    more = axis.reach - axis.stride - axis.lo - axis.hi
    return -(-more // axis.stride), -more % axis.stride


def _repeats(axis: Axis) -> Array:
    """What repeating makes of a kernel: `(kernel, kernel - stride + 1)`, ones on a band."""
    steps = np.subtract.outer(np.arange(axis.kernel), np.arange(axis.kernel - axis.stride + 1))
    return ((steps >= 0) & (steps < axis.stride)).astype(float)


def _checked(where: str, kernel: ArrayLike, spec: Spec) -> Array:
    kernel = np.asarray(kernel)
    taps = tuple(axis.kernel for axis in spec.axes)
    if kernel.shape[:-2] != taps or 0 in kernel.shape or kernel.shape[-1] % spec.groups:
        raise ShapeError(f"{where}: the kernel has shape {kernel.shape}, but the setting wants (*{taps}, D / groups, "
                         f"C) with C a multiple of groups={spec.groups}.")
    return kernel
