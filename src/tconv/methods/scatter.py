"""Distribute: stamp the kernel at every input cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..geometry import Problem
from .channels import Array, to_fine

__all__ = ["scatter"]


def scatter(x: Array, kernel: Array, problem: Problem) -> Array:
    """Stamp the kernel at every coarse cell, scaled by that cell; add where stamps overlap; crop.

    Args:
        x: coarse array, shape `(N, *coarse, C)`.
        kernel: shape `(*K, D / groups, C)`.
        problem: the setting met by these sizes.

    Returns:
        Fine array, shape `(N, *fine, D)`; the dtype that NumPy gives a product of the two.

    Raises:
        ShapeError: if `x` and `kernel` are not the arrays that `problem` describes.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> setting = Spec.of(kernel=(3,), stride=2)
    >>> scatter(np.ones((1, 3, 1)), np.ones((3, 1, 1)), problem_from_coarse(setting, (3,))).ravel()
    array([1., 1., 2., 1., 2., 1., 1.])
    """
    extent = problem.extent("scatter", coarse=x.shape, kernel=kernel.shape)
    y = np.zeros((extent.batch, *problem.fine, extent.fine_channels), np.result_type(x, kernel))
    for cell in np.ndindex(problem.coarse):
        taps, places = zip(*(_stamp(problem, axis, index) for axis, index in enumerate(cell)), strict=True)
        for tap, place in zip(_grid(taps), _grid(places), strict=True):
            y[:, *place] += to_fine(x[:, *cell], kernel[tap], problem.groups)
    return y


def _stamp(problem: Problem, axis: int, cell: int) -> tuple[list[int], list[int]]:
    """The taps of a cell's stamp that stay on the fine grid, and where they fall."""
    start = cell * problem.stride[axis] - problem.lo[axis]
    falls = [(tap, start + tap * problem.dilation[axis]) for tap in range(problem.kernel[axis])]
    kept = [(tap, place) for tap, place in falls if 0 <= place < problem.fine[axis]]
    return [tap for tap, _ in kept], [place for _, place in kept]


def _grid(indices: tuple[list[int], ...]) -> list[tuple[Any, ...]]:
    return [tuple(index[i] for index, i in zip(indices, at, strict=True)) for at in np.ndindex(*map(len, indices))]
