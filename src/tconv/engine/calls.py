"""The three contractions on NumPy arrays in channels-last layout, and the way back through a layer's finish."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..geometry import Problem
from ..methods.activations import ACTIVATIONS
from ..methods.channels import Array
from . import arrays
from .arrays import BITS, FLOAT
from .compiled import native, numbers
from .packed import Packed
from .room import room

__all__ = [
    "CONTRACTIONS", "TOLD", "before_finish", "conv", "conv_transpose", "finish", "kernel_gradient", "met", "pack",
    "serves",
]

CONTRACTIONS = {"conv_transpose": (("coarse", "kernel"), "fine"), "conv": (("fine", "kernel"), "coarse"),
                "kernel_gradient": (("fine", "coarse"), "kernel")}
TOLD = ("relu", "leaky_relu", "sigmoid", "tanh")
"""Activations whose result alone tells their slope; a leaky ReLU's only if it is positive on the left side."""


def serves(*given: Any) -> bool:
    """Whether the engine takes these NumPy arrays: float32 or 16 bits, one to three axes; with the compiled part."""
    return native is not None and all(map(arrays.serves, given))


def pack(kernel: Array) -> Packed:
    """A kernel `(*K, D / groups, C)` for many calls: a copy that `conv_transpose` and `conv` take in its place.

    Each call of a plain kernel lays it out anew, since it may have changed. This one cannot, so that is done once for a
    setting and sizes; the latest four are kept.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> twice = problem_from_coarse(Spec.of((2,), stride=2), (2,))
    >>> kernel = pack(np.ones((2, 1, 1)))
    >>> conv_transpose(np.array([[[1.0], [3.0]]], np.float32), kernel, twice).ravel() if native else kernel.shape
    array([1., 1., 3., 3.], dtype=float32)
    """
    return Packed.of(kernel, native.Layouts() if native else None)


def conv_transpose(x: Array, kernel: Array | Packed, problem: Problem, bias: Array | None = None,
                   activation: str | None = None, slope: float = 0.0) -> Array:
    """Coarse `(N, *coarse, C)` and kernel `(*K, D / groups, C)` to fine `(N, *fine, D)`.

    A bias `(D,)` is added and an activation (a name in `methods.ACTIVATIONS`) applied before each result is stored.
    """
    return _layer("conv_transpose", problem, x, kernel, bias, activation, slope)


def conv(y: Array, kernel: Array | Packed, problem: Problem, bias: Array | None = None, activation: str | None = None,
         slope: float = 0.0) -> Array:
    """Fine `(N, *fine, D)` and kernel `(*K, D / groups, C)` to coarse `(N, *coarse, C)`.

    A bias `(C,)` is added and an activation applied as in `conv_transpose`.
    """
    return _layer("conv", problem, y, kernel, bias, activation, slope)


def kernel_gradient(y: Array, x: Array, problem: Problem, *, channels_first: bool = False) -> Array:
    """Fine `(N, *fine, D)` and coarse `(N, *coarse, C)` to the kernel's `(*K, D / groups, C)`.

    With `channels_first` the result lies in memory as `(C, D / groups, *K)`.
    """
    said, shape = met("kernel_gradient", problem, y.shape, x.shape)
    halves = arrays.brain(y) and arrays.brain(x)
    dtype = BITS if halves else FLOAT
    if channels_first:
        out = np.moveaxis(room((*shape[:-3:-1], *problem.kernel), dtype), (0, 1), (-1, -2))
    else:
        out = room(shape, dtype)
    if halves:
        native.half_kernel_gradient(said, arrays.bits(y), arrays.bits(x), out)
        return out.view(y.dtype)
    native.kernel_gradient(said, arrays.floats(y), arrays.floats(x), out)
    return arrays.narrowed(out, y, x)


def before_finish(gradient: Array, result: Array | None, activation: str | None, slope: float = 0.0, *,
                  bias: bool = True) -> tuple[Array, Array | None]:
    """What the sums before a layer's bias and activation receive, and what the bias does.

    Args:
        gradient: what the layer's result receives, float32 or bfloat16 or its bits, `(N, *I, C)`.
        result: what the layer gave, with an activation: it tells the slope.
        activation: a name in `TOLD`, or none.
        slope: of the left side of "leaky_relu", > 0.
        bias: whether the bias is asked for.

    Returns:
        The gradient of the sums, of the same shape and dtype (without an activation the same array), and that of the
        bias, float32, `(C,)`, or None.
    """
    halves, rows = arrays.brain(gradient), (math.prod(gradient.shape[:-1]), gradient.shape[-1])
    taken, step = (arrays.bits, native.half_before_finish) if halves else (arrays.floats, native.before_finish)
    given = taken(gradient)
    before = None
    if activation is not None:
        before = room(given.shape, BITS if halves else FLOAT)
    total = np.empty(rows[1], FLOAT) if bias else None
    if before is not None or total is not None:
        known = None if result is None or activation is None else taken(result).reshape(rows)
        _, code, left = finish(None, activation, slope)
        step(code, left, known, given.reshape(rows), None if before is None else before.reshape(rows), total)
    return gradient if before is None else before.view(gradient.dtype), total


def finish(bias: Array | None, activation: str | None, slope: float) -> tuple[Array | None, int, float]:
    """A bias and an activation as the compiled part reads them."""
    code = max(1, list(ACTIVATIONS).index(activation)) if activation else 0
    return None if bias is None else arrays.floats(bias), code, slope if activation == "leaky_relu" else 0.0


def _layer(name: str, problem: Problem, array: Array, kernel: Array | Packed, bias: Array | None,
           activation: str | None, slope: float) -> Array:
    """A layer of float32 or bfloat16 arrays; of two of bfloat16 the result is of the first one's dtype."""
    said, shape = met(name, problem, array.shape, kernel.shape)
    follows = finish(bias, activation, slope)
    if arrays.brain(array) and not isinstance(kernel, Packed) and arrays.brain(kernel):
        out = room(shape, BITS)
        getattr(native, f"half_{name}")(said, arrays.bits(array), arrays.evenly(kernel.view(BITS)), out, *follows)
        return out.view(array.dtype)
    out = room(shape)
    weights, layouts = _as_it_lies(kernel)
    getattr(native, name)(said, arrays.floats(array), weights, out, *follows, layouts)
    return arrays.narrowed(out, array, kernel)


@lru_cache(4096)
def met(name: str, problem: Problem, first: tuple[int, ...], second: tuple[int, ...],
        ) -> tuple[list[int], tuple[int, ...]]:
    """A problem as the compiled part reads it and the result's shape, checked once for each pair of shapes."""
    takes, gives = CONTRACTIONS[name]
    extent = problem.extent(name, **dict(zip(takes, (first, second), strict=True)))
    shapes = {"coarse": (extent.batch, *problem.coarse, extent.coarse_channels),
              "fine": (extent.batch, *problem.fine, extent.fine_channels),
              "kernel": (*problem.kernel, extent.fine_channels // problem.groups, extent.coarse_channels)}
    return numbers(problem, *extent), shapes[gives]


def _as_it_lies(kernel: Array | Packed) -> tuple[Array, Any]:
    """A kernel in its own memory order if its taps lie evenly there, and its layouts if they are kept."""
    if isinstance(kernel, Packed):
        return kernel.array, kernel.layouts
    return arrays.evenly(kernel), None
