"""The convolution matrix and its transpose: dense to look at, sparse to use."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from ..errors import MissingExtra, SizeError
from ..geometry import Extent, Problem, sources
from ..geometry.problem import MEMORY
from .channels import Array

__all__ = ["convolution_matrix", "dense", "sparse", "triplets"]


def triplets(problem: Problem) -> tuple[Array, Array, Array]:
    """Every meeting of a fine cell, a coarse cell and a tap, each as a flat index: three arrays of one length."""
    per_axis = [
        [(cell, *source) for cell in range(fine) for source in sources(axis, cell, coarse=coarse)]
        for axis, coarse, fine in zip(problem.axes, problem.coarse, problem.fine, strict=True)
    ]
    grids = (problem.fine, problem.coarse, problem.kernel)
    meetings = np.array(list(product(*per_axis)), np.intp).reshape(-1, problem.rank, 3)
    return tuple(np.ravel_multi_index(tuple(meetings[:, :, i].T), sizes) if len(meetings) else np.empty(0, np.intp)
                 for i, sizes in enumerate(grids))  # type: ignore[return-value]


def convolution_matrix(kernel: Array, problem: Problem) -> Array:
    """The matrix of the convolution, coarse cells as rows and fine cells as columns; its transpose is the other layer.

    Args:
        kernel: shape `K`: one channel on either side.
        problem: the setting met by its sizes.

    Returns:
        Shape `(prod(coarse), prod(fine))`.

    Raises:
        SizeError: if the matrix would not fit into memory.

    >>> from tconv.geometry import Spec, problem_from_fine
    >>> convolution_matrix(np.array([1, 2]), problem_from_fine(Spec.of(kernel=(2,)), (3,)))
    array([[1, 2, 0],
           [0, 1, 2]])
    """
    shape = _matrix_shape(problem, kernel.itemsize)
    fine, coarse, tap = triplets(problem)
    matrix = np.zeros(shape, kernel.dtype)
    np.add.at(matrix, (coarse, fine), kernel.ravel()[tap])
    return matrix


def _matrix_shape(problem: Problem, itemsize: int) -> tuple[int, int]:
    rows, columns = math.prod(problem.coarse), math.prod(problem.fine)
    if (need := rows * columns * itemsize) > MEMORY:
        raise SizeError(f"convolution_matrix: {rows} rows of {columns} numbers need {need / 2**30:,.1f} GiB; this "
                        f"machine has {MEMORY / 2**30:,.1f} GiB. Take smaller sizes, or another method.")
    return rows, columns


def _sparse_matrix(kernel: Array, problem: Problem) -> Any:
    try:
        from scipy.sparse import coo_array
    except ImportError:
        raise MissingExtra("methods.sparse", "scipy", "dev") from None
    fine, coarse, tap = triplets(problem)
    shape = (math.prod(problem.coarse), math.prod(problem.fine))
    return coo_array((kernel.ravel()[tap], (coarse, fine)), shape).tocsr()


def _apply(x: Array, kernel: Array, problem: Problem, extent: Extent, build: Any) -> Array:
    """One matrix for each pair of channels, transposed, times the flattened image."""
    y = np.zeros((extent.batch, int(np.prod(problem.fine)), extent.fine_channels), np.result_type(x, kernel))
    flat = x.reshape(extent.batch, int(np.prod(problem.coarse)), extent.coarse_channels)
    ins, outs = extent.coarse_channels // problem.groups, extent.fine_channels // problem.groups
    for coarse in range(extent.coarse_channels):
        group = coarse // ins
        for row in range(outs):
            matrix = build(kernel[..., row, coarse], problem)
            y[:, :, group * outs + row] += (matrix.T @ flat[:, :, coarse].T).T
    return y.reshape(extent.batch, *problem.fine, extent.fine_channels)


def dense(x: Array, kernel: Array, problem: Problem) -> Array:
    """Multiply the flattened input by the transpose of the convolution matrix. Takes and gives what `scatter` does."""
    extent = problem.extent("matrix", coarse=x.shape, kernel=kernel.shape)
    _matrix_shape(problem, kernel.itemsize)  # before the result is made
    return _apply(x, kernel, problem, extent, convolution_matrix)


def sparse(x: Array, kernel: Array, problem: Problem) -> Array:
    """`dense`, with matrices that hold only the taps (SciPy's). Takes and gives what `scatter` does."""
    extent = problem.extent("sparse", coarse=x.shape, kernel=kernel.shape)
    return _apply(x, kernel, problem, extent, _sparse_matrix)
