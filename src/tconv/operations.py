"""The three contractions for NumPy arrays: on the engine where it serves, by a portable method otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import engine, methods
from .errors import SettingError, ShapeError
from .geometry import Problem, Spec, per_axis, problem_from_coarse, problem_from_fine
from .methods.channels import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["conv", "conv_transpose", "kernel_gradient"]

Sizes = tuple[int, ...]


def conv_transpose(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    activation: str | None = None,
    slope: float = 0.01,
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    crop: Any = 0,
    groups: int = 1,
    output_size: int | Sequence[int] | None = None,
    method: str | None = None,
) -> Array:
    """Stamp the kernel at every coarse cell, scaled by that cell; add where stamps overlap; crop; add the bias.

    Args:
        x: coarse array, shape `(N, *I, C)`, one axis or more between batch and channels.
        kernel: shape `(*K, D / groups, C)`.
        bias: shape `(D,)`.
        activation: what is applied to the sum, a name in `tconv.methods.ACTIVATIONS`.
        slope: of the negative side of "leaky_relu".
        stride: fine samples between coarse samples, >= 1; one for all axes or one each.
        dilation: fine samples between taps, >= 1; one for all axes or one each.
        crop: samples cut off at both ends of every axis, or one entry per axis: a number or a pair `(lo, hi)`.
            Negative numbers add cells that hold the bias alone.
        groups: how many groups the channels fall into.
        output_size: samples per axis, where one coarse size has several fine ones.
        method: a name in `tconv.methods.METHODS`, to see that way at work; by default the fastest that serves.

    Returns:
        Shape `(N, *O, D)` with `O = (I - 1) * stride + (K - 1) * dilation + 1 - lo - hi`; the dtype that NumPy gives a
        product of the arrays; sums of 16-bit numbers are made in float32 and rounded once.

    Raises:
        SettingError: if a setting is out of range.
        ShapeError: if the arrays do not fit the setting or each other.
        SizeError: if the result would not fit into memory.

    >>> conv_transpose(np.array([[[1.0], [2.0]]]), np.ones((3, 1, 1)), stride=2).ravel()
    array([1., 1., 3., 2., 2.])
    """
    where = "conv_transpose"
    x, kernel = _array(where, "x", x), _array(where, "kernel", kernel)
    dtype = np.result_type(x, kernel)
    problem, channels = _known(_transposed, x.shape, kernel.shape, stride, dilation, crop, groups, dtype.itemsize,
                               output_size)
    finish = _finish(where, bias, channels, activation, slope, dtype)
    if method is None and engine.serves(x, kernel) and finish.single:
        return engine.conv_transpose(x, kernel, problem, finish.bias, activation, slope)
    if method is not None and method not in methods.METHODS:
        raise SettingError(f"{where}: method is {method!r}, but has to be one of {', '.join(methods.METHODS)}.")
    run = methods.METHODS[method or "phases"]
    return _narrow(finish(run(_wide(x), _wide(kernel), problem)), dtype)


def conv(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    activation: str | None = None,
    slope: float = 0.01,
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    crop: Any = 0,
    groups: int = 1,
) -> Array:
    """Let every coarse cell collect from the fine cells under its kernel; add the bias.

    Args:
        x: fine array, shape `(N, *I, D)`.
        kernel: shape `(*K, D / groups, C)`.
        bias: shape `(C,)`.
        activation, slope: as in `conv_transpose`.
        stride: fine samples between coarse samples, >= 1; one for all axes or one each.
        dilation: fine samples between taps, >= 1; one for all axes or one each.
        crop: zeros put around the fine grid (this layer's padding), as in `conv_transpose`; negative numbers cut.
        groups: how many groups the channels fall into.

    Returns:
        Shape `(N, *O, C)` with `O = (I + lo + hi - (K - 1) * dilation - 1) // stride + 1`; the dtype that NumPy gives a
        product of the arrays; sums of 16-bit numbers are made in float32 and rounded once.

    Raises:
        SettingError: if a setting is out of range.
        ShapeError: if the arrays do not fit the setting or each other.
        SizeError: if the result would not fit into memory.

    >>> conv(np.arange(5.0).reshape(1, 5, 1), np.ones((3, 1, 1)), stride=2).ravel()
    array([3., 9.])
    """
    where = "conv"
    x, kernel = _array(where, "x", x), _array(where, "kernel", kernel)
    dtype = np.result_type(x, kernel)
    problem, channels = _known(_ordinary, x.shape, kernel.shape, stride, dilation, crop, groups, dtype.itemsize)
    finish = _finish(where, bias, channels, activation, slope, dtype)
    if engine.serves(x, kernel) and finish.single:
        return engine.conv(x, kernel, problem, finish.bias, activation, slope)
    return _narrow(finish(methods.conv(_wide(x), _wide(kernel), problem)), dtype)


def kernel_gradient(
    fine: ArrayLike,
    coarse: ArrayLike,
    *,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    crop: Any = 0,
    groups: int = 1,
) -> Array:
    """How often each tap joined a fine and a coarse cell, weighted by both: the kernel's gradient in either layer.

    Args:
        fine: shape `(N, *O, D)`; for `conv_transpose` the gradient of its result, for `conv` its input.
        coarse: shape `(N, *I, C)`; for `conv_transpose` its input, for `conv` the gradient of its result.
        kernel_size: taps, one number for all axes or one each.
        stride, dilation, crop, groups: as in the layer.

    Returns:
        Shape `(*K, D / groups, C)`; the dtype that NumPy gives a product of the arrays.

    Raises:
        SettingError: if a setting is out of range.
        ShapeError: if the arrays do not fit the setting or each other.

    >>> kernel_gradient(np.ones((1, 5, 1)), np.ones((1, 2, 1)), kernel_size=3, stride=2).ravel()
    array([2., 2., 2.])
    """
    where = "kernel_gradient"
    fine, coarse = _array(where, "fine", fine), _array(where, "coarse", coarse)
    sizes = per_axis(where, "kernel_size", kernel_size, fine.ndim - 2)
    spec = _spec(where, "fine", fine.shape, sizes, stride, dilation, crop, groups)
    problem = _problem_of_both(where, spec, fine.shape[1:-1], coarse.shape[1:-1])
    extent = problem.extent(where, fine=fine.shape, coarse=coarse.shape)
    dtype = np.result_type(fine, coarse)
    problem.check_memory(where, extent, dtype.itemsize)
    if engine.serves(fine, coarse):
        return engine.kernel_gradient(fine, coarse, problem)
    return _narrow(methods.kernel_gradient(_wide(fine), _wide(coarse), problem), dtype)


def _known(meet: Any, *settings: Any) -> tuple[Problem, int]:
    """What `meet` makes of settings and shapes, remembered: making it takes longer than a small layer."""
    try:
        return meet(*settings)  # type: ignore[no-any-return]
    except TypeError:  # a list has no hash
        return meet.__wrapped__(*settings)  # type: ignore[no-any-return]


@lru_cache(4096, typed=True)
def _transposed(x: Sizes, kernel: Sizes, stride: Any, dilation: Any, crop: Any, groups: Any, itemsize: int,
                output_size: Any) -> tuple[Problem, int]:
    """The problem of a transposed convolution, and the channels of its result."""
    spec = _spec("conv_transpose", "x", x, kernel[:-2], stride, dilation, crop, groups)
    problem = problem_from_coarse(spec, x[1:-1], output_size=output_size)
    extent = problem.extent("conv_transpose", coarse=x, kernel=kernel)
    problem.check_memory("conv_transpose", extent, itemsize)
    return problem, extent.fine_channels


@lru_cache(4096, typed=True)
def _ordinary(x: Sizes, kernel: Sizes, stride: Any, dilation: Any, crop: Any, groups: Any, itemsize: int,
              ) -> tuple[Problem, int]:
    """The problem of a convolution, and the channels of its result."""
    spec = _spec("conv", "x", x, kernel[:-2], stride, dilation, crop, groups)
    problem = problem_from_fine(spec, x[1:-1])
    extent = problem.extent("conv", fine=x, kernel=kernel)
    problem.check_memory("conv", extent, itemsize)
    return problem, extent.coarse_channels


def _problem_of_both(where: str, spec: Spec, fine: tuple[int, ...], coarse: tuple[int, ...]) -> Problem:
    """The problem whose two sizes are known: any that either layer can have with this setting."""
    if len(coarse) != spec.rank:
        raise ShapeError(f"{where}: fine has sizes {fine}, coarse {coarse}; give both as many axes.")
    for number, (axis, big, small) in enumerate(zip(spec.axes, fine, coarse, strict=True)):
        least = axis.full(small) - axis.lo - axis.hi
        most = least + max(axis.stride, axis.dilation) - 1
        if not (least <= big <= most or big == small == 0):
            can = f"{least}" if least == most else f"{least} to {most}"
            raise ShapeError(f"{where}: fine has {big} samples on axis {number}, but with this setting {small} coarse "
                             f"ones go with {can} fine ones; give the arrays and the setting of one layer.")
    kernel, stride, dilation, lo = zip(*((a.kernel, a.stride, a.dilation, a.lo) for a in spec.axes), strict=True)
    return Problem(kernel, stride, dilation, lo, coarse, fine, spec.groups)


def _array(where: str, name: str, value: ArrayLike) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"{where}: {name} is no array ({error}); give numbers in rows of equal length.") from None
    if array.dtype.kind not in "biufc" and array.dtype.name not in engine.HALVES:
        raise ShapeError(f"{where}: {name} has dtype {array.dtype}; give an array of numbers.")
    return array


def _wide(array: Array) -> Array:
    """An array of 16 bits as float32, so that sums of its products are."""
    return array.astype(np.float32) if array.dtype.name in engine.HALVES else array


def _narrow(result: Array, dtype: np.dtype[Any]) -> Array:
    """A result as the dtype of its arrays, if that has 16 bits."""
    return result.astype(dtype) if dtype.name in engine.HALVES else result


def _spec(where: str, name: str, x: Sizes, taps: Any, stride: Any, dilation: Any, crop: Any, groups: Any) -> Spec:
    if len(x) < 3:
        raise ShapeError(f"{where}: {name} has shape {x}; give (batch, one size or more, channels), "
                         "with an axis of 1 where there is a single image or channel.")
    if len(x) != len(taps) + 2:
        raise ShapeError(f"{where}: {name} has {len(x) - 2} spatial axes, shape {x}, but the kernel's shape has "
                         f"{len(taps)}, {tuple(taps)}; give as many. "
                         "A kernel is laid out (*K, fine channels / groups, coarse channels).")
    return Spec.of(tuple(taps), stride=stride, dilation=dilation, crop=crop, groups=groups)


class _Finish(NamedTuple):
    """What becomes of a sum: a bias is added, an activation applied."""

    bias: Array | None
    activation: str | None
    slope: float

    @property
    def single(self) -> bool:
        """Whether float32 holds it."""
        return self.bias is None or np.can_cast(self.bias.dtype, np.float32, "same_kind")

    def __call__(self, y: Array) -> Array:
        if self.bias is not None:
            same = np.can_cast(self.bias.dtype, y.dtype, "same_kind")
            y = np.add(y, self.bias, out=y) if same else y + self.bias
        if self.activation is None:
            return y
        return methods.activate(self.activation, y if y.dtype.kind == "f" else y.astype(np.float64), self.slope)


def _finish(where: str, bias: ArrayLike | None, channels: int, activation: str | None, slope: float,
            dtype: np.dtype[Any]) -> _Finish:
    if activation is not None and activation not in methods.ACTIVATIONS:
        raise SettingError(f"{where}: activation is {activation!r}, but has to be one of "
                           f"{', '.join(methods.ACTIVATIONS)}.")
    if activation is not None and dtype.kind == "c":
        raise SettingError(f"{where}: activation is {activation!r}, but the arrays are complex; take the activation of "
                           "a real part.")
    if bias is not None:
        bias = _array(where, "bias", bias)
        if bias.shape != (channels,):
            raise ShapeError(f"{where}: bias has shape {bias.shape}, but the result has {channels} channels; "
                             f"give ({channels},).")
    return _Finish(bias, activation, slope)
