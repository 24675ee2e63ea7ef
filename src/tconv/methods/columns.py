"""One matrix product for all taps, then add the columns into place."""

from __future__ import annotations

import numpy as np

from ..geometry import Problem
from .channels import Array, to_fine

__all__ = ["columns"]


def columns(x: Array, kernel: Array, problem: Problem) -> Array:
    """Multiply every coarse cell by the whole kernel at once, then add each tap's column onto the fine grid.

    Takes and gives what `scatter` does. This is the matrix product and `col2im` of most frameworks.
    """
    extent = problem.extent("columns", coarse=x.shape, kernel=kernel.shape)
    rows = kernel.reshape(int(np.prod(kernel.shape[:-1])), extent.coarse_channels)
    products = to_fine(x, rows, problem.groups)
    products = products.reshape(*x.shape[:-1], problem.groups, *problem.kernel, kernel.shape[-2])
    products = np.moveaxis(products, problem.rank + 1, -2)  # (N, *coarse, *K, groups, D / groups)
    products = products.reshape(*x.shape[:-1], *problem.kernel, extent.fine_channels)
    y = np.zeros((extent.batch, *problem.fine, extent.fine_channels), products.dtype)
    for tap in np.ndindex(problem.kernel):
        coarse, fine = zip(*(problem.span(axis, index) for axis, index in enumerate(tap)), strict=True)
        y[:, *fine] += products[:, *coarse, *tap]
    return y
