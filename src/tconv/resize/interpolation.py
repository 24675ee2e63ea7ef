"""Nearest, bilinear, bicubic and Lanczos resizing: which samples each new one mixes along an axis, and how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError, ShapeError, UnsupportedError
from ..geometry import per_axis, whole
from ..methods.channels import Array

__all__ = ["CONVENTIONS", "INTERPOLATIONS", "Convention", "Interpolation", "Stencil", "matrix", "resize", "stencil"]


@dataclass(frozen=True, slots=True)
class Convention:
    """What a framework means by a resize.

    Args:
        corners: whether the first and last samples of both grids coincide; else the grids' outer edges do.
        nearest: added to a new sample's index before it is scaled down: 0.5 asks at its centre, 0 at its start.
        sharpness: the `a` of the bicubic kernel.
        clamps: whether taps beyond an edge read the edge sample; else they are left out and the others scaled up.
        keeps_factor: whether a factor that gives no whole size still is the exact distance between samples.
        cubic_grain: steps in a sample to which bicubic places are rounded; None for no rounding.
    """

    corners: bool = False
    nearest: float = 0.5
    sharpness: float = -0.5
    clamps: bool = False
    keeps_factor: bool = False
    cubic_grain: int | None = None


CONVENTIONS: dict[str, Convention] = {
    "keras": Convention(),
    "tensorflow": Convention(cubic_grain=1024),
    "torch": Convention(nearest=0.0, sharpness=-0.75, clamps=True, keeps_factor=True),
    "torch_corners": Convention(corners=True, sharpness=-0.75, clamps=True),
}
"""`keras` is `jax.image.resize` too, and with `nearest` PyTorch's `nearest-exact`; `tensorflow` is `tf.image.resize`,
whose bicubic kernel is a table of 1024 steps; `torch` and `torch_corners` are PyTorch without and with
`align_corners`."""


@dataclass(frozen=True, slots=True)
class Interpolation:
    """How far a new sample looks, and how much it takes of a sample at a distance.

    Args:
        radius: samples to either side; 0 takes the nearest sample as it is.
        weight: distances in samples, and the bicubic `a`, to weights.
    """

    radius: int
    weight: Callable[[Array, float], Array]


def _linear(distance: Array, _: float) -> Array:
    return np.maximum(1 - distance, 0)


def _cubic(distance: Array, a: float) -> Array:
    """Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def _lanczos(radius: int) -> Callable[[Array, float], Array]:
    return lambda distance, _: np.where(distance < radius, np.sinc(distance) * np.sinc(distance / radius), 0)


INTERPOLATIONS: dict[str, Interpolation] = {
    "nearest": Interpolation(0, lambda distance, _: np.ones_like(distance)),
    "bilinear": Interpolation(1, _linear),
    "bicubic": Interpolation(2, _cubic),
    "lanczos3": Interpolation(3, _lanczos(3)),
    "lanczos5": Interpolation(5, _lanczos(5)),
}


class Stencil(NamedTuple):
    """Along one axis, for each new sample: the old samples that it mixes and their weights, both `(fine, taps)`."""

    source: Array
    weight: Array


@lru_cache(maxsize=256)
def stencil(
    coarse: int, fine: int, interpolation: str = "nearest", convention: str = "keras", factor: float | None = None
) -> Stencil:
    """Which of `coarse` samples each of `fine` new samples mixes, and how much of each; the weights add up to 1.

    Args:
        coarse: samples, >= 1.
        fine: samples, >= 1.
        interpolation: a name in `INTERPOLATIONS`.
        convention: a name in `CONVENTIONS`.
        factor: new samples for each old one, where that is not `fine / coarse`.

    >>> stencil(2, 4, "bilinear").weight[1]
    array([0.75, 0.25])
    """
    kind, rule = INTERPOLATIONS[interpolation], CONVENTIONS[convention]
    new = np.arange(fine, dtype=np.float64)
    step = 1 / factor if factor and rule.keeps_factor else coarse / fine
    if kind.radius == 0:
        place = np.floor((new + rule.nearest) * step)[:, None]
        return _frozen(np.clip(place.astype(np.intp), 0, coarse - 1), np.ones_like(place))
    place = new * (coarse - 1) / max(fine - 1, 1) if rule.corners else (new + 0.5) * step - 0.5
    if interpolation == "bicubic" and rule.cubic_grain:
        place = np.round(place * rule.cubic_grain) / rule.cubic_grain
    index = np.floor(place)[:, None].astype(np.intp) + np.arange(1 - kind.radius, kind.radius + 1)
    weight = kind.weight(np.abs(place[:, None] - index), rule.sharpness)
    inside = np.clip(index, 0, coarse - 1)
    if not rule.clamps:
        weight = np.where(inside == index, weight, 0)
        weight = weight / weight.sum(-1, keepdims=True)
    return _frozen(inside, weight)


def _frozen(source: Array, weight: Array) -> Stencil:
    source.setflags(write=False)
    weight.setflags(write=False)
    return Stencil(source, weight)


def matrix(coarse: int, fine: int, interpolation: str = "nearest", convention: str = "keras") -> Array:
    """A resize along one axis as a matrix, shape `(fine, coarse)`: a new sample is a row times the old samples.

    >>> matrix(2, 4, "bilinear").tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    source, weight = stencil(coarse, fine, interpolation, convention)
    dense = np.zeros((fine, coarse))
    np.add.at(dense, (np.arange(fine)[:, None], source), weight)
    return dense


def resize(
    x: ArrayLike,
    *,
    factor: Any = None,
    size: int | Sequence[int] | None = None,
    interpolation: str = "nearest",
    convention: str = "keras",
) -> Array:
    """Lay a new grid over the old one, and let each new sample mix the old ones around it.

    Args:
        x: shape `(N, *I, C)`, one axis or more between batch and channels.
        factor: new samples for each old one, > 0; one for all axes or one each. The new size is rounded down.
        size: the new sizes instead of a factor, >= 1; one for all axes or one each.
        interpolation: a name in `INTERPOLATIONS`.
        convention: whose alignment of the grids and whose kernels, a name in `CONVENTIONS`.

    Returns:
        Shape `(N, *O, C)` with `O = floor(I * factor)` or `O = size`. With `nearest` the dtype of `x`, otherwise that
        of `x` if it is a floating one, else float64.

    Raises:
        SettingError: if a name, a factor or a size is none.
        ShapeError: if `x` has no spatial axis, or an empty one.
        UnsupportedError: if the framework has no such resize.

    >>> resize(np.array([[[1], [2]]]), factor=3).ravel()
    array([1, 1, 1, 2, 2, 2])
    """
    x = np.asarray(x)
    _check(x, factor, size, interpolation, convention)
    factors = _factors(factor, x.ndim - 2)
    sizes = _sizes(size, x.ndim - 2) if factor is None else _scaled(x.shape[1:-1], factors)
    if interpolation != "nearest" and x.dtype.kind != "f":
        x = x.astype(np.float64)
    for axis, (fine, ratio) in enumerate(zip(sizes, factors, strict=True), start=1):
        if fine != x.shape[axis] or ratio not in (None, 1):
            x = _along(x, axis, stencil(x.shape[axis], fine, interpolation, convention, ratio))
    return x


def _along(x: Array, axis: int, taps: Stencil) -> Array:
    """One axis resized: for each tap the samples it reads, times its weights, added up."""
    if taps.source.shape[1] == 1:
        return np.take(x, taps.source[:, 0], axis)
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    mixed = np.zeros((), x.dtype)
    for source, weight in zip(taps.source.T, taps.weight.astype(x.dtype).T, strict=True):
        mixed = mixed + np.take(x, source, axis) * weight.reshape(shape)
    return mixed


def _check(x: Array, factor: Any, size: Any, interpolation: str, convention: str) -> None:
    tables: Any = (("interpolation", interpolation, INTERPOLATIONS), ("convention", convention, CONVENTIONS))
    for name, value, table in tables:
        if value not in table:
            raise SettingError(f"resize: {name} is {value!r}, but has to be one of {', '.join(table)}.")
    if (factor is None) == (size is None):
        raise SettingError(f"resize: factor is {factor!r} and size is {size!r}; give one of the two.")
    if x.ndim < 3 or 0 in x.shape[1:-1]:
        raise ShapeError(f"resize: x has shape {x.shape}, but has to be (batch, one size or more, channels), "
                         "no size 0.")
    if interpolation == "nearest" and CONVENTIONS[convention].corners:
        raise UnsupportedError(f"resize: interpolation 'nearest' has no corners to align (convention={convention!r}); "
                               "take convention='torch'.")


def _factors(factor: Any, rank: int) -> tuple[Any, ...]:
    values = per_axis("resize", "factor", factor, rank)
    for value in () if factor is None else values:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 < value < math.inf:
            raise SettingError(f"resize: factor is {factor!r}, but has to be a number > 0, or one for each of {rank} "
                               "axes.")
    return values


def _scaled(sizes: Sequence[int], factors: Sequence[float]) -> list[int]:
    scaled = [math.floor(size * factor) for size, factor in zip(sizes, factors, strict=True)]
    if min(scaled) < 1:
        raise SettingError(f"resize: factor {tuple(factors)} leaves {tuple(scaled)} of the sizes {tuple(sizes)}; take "
                           "one that leaves a sample on each axis.")
    return scaled


def _sizes(size: Any, rank: int) -> list[int]:
    return [whole("resize", "size", value, 1) for value in per_axis("resize", "size", size, rank)]
