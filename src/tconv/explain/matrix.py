"""The matrix view: the layer as one matrix times the flattened input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import SizeError
from ..geometry import Problem
from ..methods.channels import Array
from ..methods.matrix import triplets
from .cells import input_channels

__all__ = ["LARGEST_MATRIX", "Matrix", "matrix"]

LARGEST_MATRIX = 4_000_000  # entries


@dataclass(frozen=True)
class Matrix:
    """`array @ vector` is the result, flattened (channels last), before the bias.

    Args:
        array: shape `(cells of the result * its channels, cells of the input * its channels)`. A convolution's matrix
            has the coarse cells as rows, a transposed convolution's, its transpose, the fine ones.
        taps: which tap each entry is, counted through the kernel row by row; -1 where no tap joins the two.
        vector: the input, flattened.
        result: the product.
    """

    array: Array
    taps: Array
    vector: Array
    result: Array


def matrix(x: Array, kernel: Array, problem: Problem, transposed: bool) -> Matrix:
    """The matrix for arrays without a batch; see `Explanation.matrix`.

    Raises:
        SizeError: if it has too many entries to look at.
    """
    ins = x.shape[-1]
    outs = kernel.shape[-2] * problem.groups if transposed else kernel.shape[-1]
    sizes = (problem.fine, problem.coarse) if transposed else (problem.coarse, problem.fine)
    shape = (math.prod(sizes[0]) * outs, math.prod(sizes[1]) * ins)
    if math.prod(shape) > LARGEST_MATRIX:
        raise SizeError(f"explain: the matrix would have {shape[0]:,} rows of {shape[1]:,} numbers, more than "
                        f"{LARGEST_MATRIX:,} in all; take smaller sizes, or the view 'summary'.")
    fine, coarse, tap = triplets(problem)
    rows, columns = (fine, coarse) if transposed else (coarse, fine)
    array, taps = np.zeros(shape, kernel.dtype), np.full(shape, -1)
    flat = kernel.reshape(-1, *kernel.shape[-2:])
    for channel in range(outs):
        for number, row, column in input_channels(kernel, problem.groups, transposed, channel):
            at = rows * outs + channel, columns * ins + number
            array[at], taps[at] = flat[tap, row, column], tap
    return Matrix(array, taps, x.ravel(), array @ x.ravel())
