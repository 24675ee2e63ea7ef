"""The three contractions on JAX arrays in channels-last layout: differentiable to any order, in either mode."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..geometry import Problem
from .primitives import conv_p, conv_transpose_p, kernel_gradient_p

__all__ = ["conv", "conv_transpose", "kernel_gradient"]

Array = jax.Array


def conv_transpose(x: Array, kernel: Array, problem: Problem) -> Array:
    """Coarse `(N, *coarse, C)` and kernel `(*K, D / groups, C)` to fine `(N, *fine, D)`.

    Raises:
        ShapeError: if the arrays are not the ones that `problem` describes.
        SizeError: if they would not fit into memory.
    """
    extent = problem.extent("conv_transpose", coarse=x.shape, kernel=kernel.shape)
    x, kernel = _alike(x, kernel)
    problem.check_memory("conv_transpose", extent, x.dtype.itemsize)
    return _bind(conv_transpose_p, x, kernel, problem, (extent.batch, *problem.fine, extent.fine_channels))


def conv(y: Array, kernel: Array, problem: Problem) -> Array:
    """Fine `(N, *fine, D)` and kernel `(*K, D / groups, C)` to coarse `(N, *coarse, C)`.

    Raises:
        ShapeError: if the arrays are not the ones that `problem` describes.
        SizeError: if they would not fit into memory.
    """
    extent = problem.extent("conv", fine=y.shape, kernel=kernel.shape)
    y, kernel = _alike(y, kernel)
    problem.check_memory("conv", extent, y.dtype.itemsize)
    return _bind(conv_p, y, kernel, problem, (extent.batch, *problem.coarse, extent.coarse_channels))


def kernel_gradient(y: Array, x: Array, problem: Problem) -> Array:
    """Fine `(N, *fine, D)` and coarse `(N, *coarse, C)` to the kernel's `(*K, D / groups, C)`.

    Raises:
        ShapeError: if the arrays are not the ones that `problem` describes.
    """
    extent = problem.extent("kernel_gradient", fine=y.shape, coarse=x.shape)
    y, x = _alike(y, x)
    shape = (*problem.kernel, extent.fine_channels // problem.groups, extent.coarse_channels)
    return _bind(kernel_gradient_p, y, x, problem, shape)


def _alike(a: Any, b: Any) -> tuple[Array, Array]:
    dtype = jnp.result_type(a, b)
    return jnp.asarray(a, dtype), jnp.asarray(b, dtype)


def _bind(primitive: Any, a: Array, b: Array, problem: Problem, shape: tuple[int, ...]) -> Array:
    if 0 in shape or 0 in a.shape or 0 in b.shape:  # nothing meets: XLA has no convolution of empty arrays
        return jnp.zeros(shape, a.dtype)
    return primitive.bind(a, b, problem=problem)
