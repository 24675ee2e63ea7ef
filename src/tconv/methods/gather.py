"""Collect: insert zeros between the input cells, then slide the flipped kernel over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..geometry import Problem
from .channels import Array, grouped

__all__ = ["gather", "stuffed"]


def stuffed(x: Array, problem: Problem) -> Array:
    """The coarse array with `stride - 1` zeros between its cells, ringed so that every window has its place.

    Returns:
        Shape `(N, *fine + reach - 1, C)`: along each axis one cell for every place the flipped kernel can see.
    """
    reach = [(k - 1) * d + 1 for k, d in zip(problem.kernel, problem.dilation, strict=True)]
    sizes = [o + r - 1 for o, r in zip(problem.fine, reach, strict=True)]
    grid = np.zeros((x.shape[0], *(max(size, 0) for size in sizes), x.shape[-1]), x.dtype)
    into, of = [], []
    for axis, size in enumerate(sizes):
        start, step = reach[axis] - 1 - problem.lo[axis], problem.stride[axis]
        first = max(0, -(start // step))
        last = min(problem.coarse[axis], (size - 1 - start) // step + 1)
        of.append(slice(first, max(first, last)))
        into.append(slice(start + first * step, start + last * step, step) if last > first else slice(0, 0))
    grid[:, *into] = x[:, *of]
    return grid


def gather(x: Array, kernel: Array, problem: Problem) -> Array:
    """Let every fine cell collect what the flipped kernel covers of the zero-stuffed input: a stride-1 convolution.

    Takes and gives what `scatter` does. Of its products all but one in `prod(stride)` are with inserted zeros: a way to
    see the operation, and a slow way to run it.
    """
    extent = problem.extent("gather", coarse=x.shape, kernel=kernel.shape)
    shape = (extent.batch, *problem.fine, extent.fine_channels)
    if 0 in shape:
        return np.zeros(shape, np.result_type(x, kernel))
    grid = stuffed(x, problem)
    spatial = tuple(range(1, problem.rank + 1))
    reach = tuple((k - 1) * d + 1 for k, d in zip(problem.kernel, problem.dilation, strict=True))
    windows = sliding_window_view(grid, reach, spatial)  # (N, *fine, C, *reach)
    every: tuple[Any, ...] = (..., *(slice(None, None, d) for d in problem.dilation))
    windows = windows[every]
    flipped = np.flip(kernel, tuple(range(problem.rank)))
    split = windows.reshape(*windows.shape[: problem.rank + 1], problem.groups, -1, *problem.kernel)
    taps = grouped(flipped, problem.groups)
    letters = "hijkl"[: problem.rank]
    y = np.einsum(f"...gc{letters},{letters}dgc->...gd", split, taps)
    return y.reshape(shape)
