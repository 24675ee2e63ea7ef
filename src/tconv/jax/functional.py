"""`lax.conv_transpose` and `lax.conv_general_dilated` in their own words, on the engine."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..conventions import jax as convention
from ..errors import ShapeError, UnsupportedError
from . import operations

__all__ = ["conv", "conv_transpose"]

Array = jax.Array
DimensionNumbers = lax.ConvDimensionNumbers | tuple[str, str, str] | None


def conv_transpose(
    lhs: Array,
    rhs: Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: DimensionNumbers = None,
    transpose_kernel: bool = False,
    precision: Any = None,
    preferred_element_type: Any = None,
    use_consistent_padding: bool = False,
    *,
    output_padding: int | Sequence[int] | None = None,
    feature_group_count: int = 1,
) -> Array:
    """`jax.lax.conv_transpose`, with groups and `output_padding`.

    Args:
        lhs: input, by default `(N, *I, C)`.
        rhs: kernel, by default `(*K, C / groups, D)`, turned round; with `transpose_kernel` `(*K, D / groups, C)`, as
            in Keras.
        strides: samples, one per axis.
        padding: "SAME", "VALID", or a pair per axis, meant as `use_consistent_padding` says.
        rhs_dilation: samples between taps, one per axis.
        dimension_numbers: layouts, as in `lax`.
        transpose_kernel: whether `rhs` is the kernel of the convolution that this transposes.
        precision: of the products, off the CPU's engine.
        preferred_element_type: dtype of the result.
        use_consistent_padding: whether pairs crop the result; otherwise they pad the stretched input.
        output_padding: samples more at the end of each axis.
        feature_group_count: how many groups the channels fall into.

    Returns:
        By default `(N, *O, D)`.

    Raises:
        SettingError: if a setting is out of range.
        ShapeError: if the arrays do not fit it or each other.

    >>> x, kernel = jnp.array([[[1.0], [2.0]]]), jnp.ones((3, 1, 1))
    >>> conv_transpose(x, kernel, (2,), "VALID").ravel()
    Array([1., 1., 3., 2., 2.], dtype=float32)
    """
    return _conv_transpose(lhs, rhs, **_settings(  # type: ignore[no-any-return]
        strides=strides, padding=padding, rhs_dilation=rhs_dilation, dimension_numbers=dimension_numbers,
        transpose_kernel=transpose_kernel, preferred_element_type=preferred_element_type,
        use_consistent_padding=use_consistent_padding, output_padding=output_padding,
        feature_group_count=feature_group_count))


def conv(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: DimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:
    """`jax.lax.conv_general_dilated`, on the engine; what stretches its input goes to `lax` as it is.

    Args:
        lhs: input, by default `(N, C, *I)`, as in `lax`.
        rhs: kernel, by default `(D, C / groups, *K)`.
        window_strides: samples, one per axis.
        padding: "SAME", "SAME_LOWER", "VALID", or a pair per axis.
        lhs_dilation: samples between inputs; other than 1 is a transposed convolution, see `conv_transpose`.
        rhs_dilation: samples between taps, one per axis.
        dimension_numbers: layouts, as in `lax`.
        feature_group_count: how many groups the channels fall into.
        batch_group_count: as in `lax`.
        precision: of the products, off the CPU's engine.
        preferred_element_type: dtype of the result.

    Raises:
        SettingError: if a setting is out of range.
        ShapeError: if the arrays do not fit it or each other.
    """
    if batch_group_count != 1 or any(step != 1 for step in lhs_dilation or ()):
        return lax.conv_general_dilated(
            lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count,
            batch_group_count, precision, preferred_element_type)
    return _conv(lhs, rhs, **_settings(  # type: ignore[no-any-return]
        strides=window_strides, padding=padding, rhs_dilation=rhs_dilation, dimension_numbers=dimension_numbers,
        preferred_element_type=preferred_element_type, feature_group_count=feature_group_count))


def _settings(**settings: Any) -> dict[str, Any]:
    return {name: _frozen(value) for name, value in settings.items()}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (tuple, list)) and not hasattr(value, "_fields") else value


def _compiled(function: Callable[..., Array]) -> Callable[..., Array]:
    """Compiled once for each setting: one call of a compiled function takes less time than one operation by itself."""
    named = [name for name in inspect.signature(function).parameters if name not in ("lhs", "rhs")]
    return jax.jit(function, static_argnames=named, inline=True)


@_compiled
def _conv_transpose(
    lhs: Array, rhs: Array, *, strides: Any, padding: Any, rhs_dilation: Any, dimension_numbers: Any,
    transpose_kernel: bool, preferred_element_type: Any, use_consistent_padding: bool, output_padding: Any,
    feature_group_count: int,
) -> Array:
    layout = _layout("conv_transpose", lhs, rhs, dimension_numbers, _channels_last(lhs.ndim))
    x = lhs.transpose(layout.lhs_spec[0], *layout.lhs_spec[2:], layout.lhs_spec[1])
    kernel = rhs.transpose(*layout.rhs_spec[2:], layout.rhs_spec[1], layout.rhs_spec[0])
    if not transpose_kernel:
        kernel = _from_correlation(kernel, feature_group_count)
    problem = convention.transposed_problem(
        kernel_size=kernel.shape[:-2], strides=strides, padding=padding, rhs_dilation=rhs_dilation,
        use_consistent_padding=use_consistent_padding, output_padding=output_padding, groups=feature_group_count,
        coarse=x.shape[1:-1])
    return _from_channels_last(_typed(operations.conv_transpose, x, kernel, problem, preferred_element_type), layout)


@_compiled
def _conv(
    lhs: Array, rhs: Array, *, strides: Any, padding: Any, rhs_dilation: Any, dimension_numbers: Any,
    preferred_element_type: Any, feature_group_count: int,
) -> Array:
    layout = _layout("conv", lhs, rhs, dimension_numbers, None)
    y = lhs.transpose(layout.lhs_spec[0], *layout.lhs_spec[2:], layout.lhs_spec[1])
    kernel = rhs.transpose(*layout.rhs_spec[2:], layout.rhs_spec[1], layout.rhs_spec[0])
    problem = convention.conv_problem(
        kernel_size=kernel.shape[:-2], strides=strides, padding=padding, rhs_dilation=rhs_dilation,
        groups=feature_group_count, fine=y.shape[1:-1])
    return _from_channels_last(_typed(operations.conv, y, kernel, problem, preferred_element_type), layout)


def _channels_last(ndim: int) -> tuple[str, str, str]:
    if ndim not in (3, 4, 5):
        raise UnsupportedError(f"conv_transpose: lhs has {ndim} axes, and layouts have defaults for 3 to 5; "
                               "give dimension_numbers.")
    space = "HWD"[: ndim - 2]
    return f"N{space}C", f"{space}IO", f"N{space}C"


def _layout(where: str, lhs: Array, rhs: Array, given: DimensionNumbers, default: Any) -> lax.ConvDimensionNumbers:
    if lhs.ndim != rhs.ndim or lhs.ndim < 3:
        raise ShapeError(f"{where}: lhs has shape {lhs.shape} and rhs {rhs.shape}; both want a batch or channel axis, "
                         "a channel axis, and equally many spatial axes.")
    return lax.conv_dimension_numbers(lhs.shape, rhs.shape, given if given is not None else default)


def _from_correlation(kernel: Array, groups: int) -> Array:
    """The kernel of a convolution over the stretched input, `(*K, C / groups, D)`, as a stamp `(*K, D / groups, C)`."""
    rank, (ins, outs) = kernel.ndim - 2, kernel.shape[-2:]
    split = kernel.reshape(*kernel.shape[:-1], groups, outs // groups)
    stamp = jnp.moveaxis(split, -1, rank).swapaxes(-1, -2)
    return jnp.flip(stamp.reshape(*kernel.shape[:-2], outs // groups, groups * ins), range(rank))


def _typed(run: Any, a: Array, kernel: Array, problem: Any, dtype: Any) -> Array:
    if dtype is None or dtype == jnp.result_type(a, kernel):
        return run(a, kernel, problem)
    return run(a.astype(dtype), kernel.astype(dtype), problem)


def _from_channels_last(array: Array, layout: lax.ConvDimensionNumbers) -> Array:
    rank = array.ndim - 2
    order = [0] * array.ndim
    for source, target in zip((0, rank + 1, *range(1, rank + 1)), layout.out_spec, strict=True):
        order[target] = source
    return array.transpose(order)
