"""The other two contractions: the convolution, and the kernel gradient that both layers share."""

from __future__ import annotations

import numpy as np

from ..geometry import Problem
from .channels import Array, to_coarse, to_kernel

__all__ = ["conv", "kernel_gradient"]


def conv(y: Array, kernel: Array, problem: Problem) -> Array:
    """Let every coarse cell collect from the fine cells under its kernel: the transpose of `scatter`.

    Args:
        y: fine array, shape `(N, *fine, D)`.
        kernel: shape `(*K, D / groups, C)`.
        problem: the setting met by these sizes.

    Returns:
        Coarse array, shape `(N, *coarse, C)`; the dtype that NumPy gives a product of the two.

    Raises:
        ShapeError: if `y` and `kernel` are not the arrays that `problem` describes.
    """
    extent = problem.extent("conv", fine=y.shape, kernel=kernel.shape)
    x = np.zeros((extent.batch, *problem.coarse, extent.coarse_channels), np.result_type(y, kernel))
    for tap in np.ndindex(problem.kernel):
        coarse, fine = zip(*(problem.span(axis, index) for axis, index in enumerate(tap)), strict=True)
        x[:, *coarse] += to_coarse(y[:, *fine], kernel[tap], problem.groups)
    return x


def kernel_gradient(y: Array, x: Array, problem: Problem) -> Array:
    """How often each tap joined a fine and a coarse cell, weighted by both.

    Args:
        y: fine array, shape `(N, *fine, D)`.
        x: coarse array, shape `(N, *coarse, C)`.
        problem: the setting met by these sizes.

    Returns:
        Shape `(*K, D / groups, C)`; the dtype that NumPy gives a product of the two.

    Raises:
        ShapeError: if `y` and `x` are not the arrays that `problem` describes.
    """
    extent = problem.extent("kernel_gradient", fine=y.shape, coarse=x.shape)
    shape = (*problem.kernel, extent.fine_channels // problem.groups, extent.coarse_channels)
    gradient = np.zeros(shape, np.result_type(y, x))
    for tap in np.ndindex(problem.kernel):
        coarse, fine = zip(*(problem.span(axis, index) for axis, index in enumerate(tap)), strict=True)
        gradient[tap] = to_kernel(y[:, *fine], x[:, *coarse], problem.groups)
    return gradient
