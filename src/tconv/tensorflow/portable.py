"""Both layers tap by tap, out of slices and products of channels: what remains where `tf.nn` has no operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import product

import numpy as np
import tensorflow as tf

from ..geometry import Problem
from ..methods.phases import phase_taps

__all__ = ["phases", "taps", "window"]

# Summed in float32 and rounded once. Besides, TensorFlow's einsum of float16 (2.21, with oneDNN) gives wrong numbers on
# processors with instructions for float16.
HALVES = (tf.float16, tf.bfloat16)
Contraction = Callable[[tf.Tensor, tf.Tensor, Problem], tf.Tensor]


def _widened(contraction: Contraction) -> Contraction:
    """The same on tensors of float32 where they are given with 16 bits; the result's dtype stays."""
    @wraps(contraction)
    def run(array: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
        if array.dtype not in HALVES:
            return contraction(array, kernel, problem)
        wide = contraction(tf.cast(array, tf.float32), tf.cast(kernel, tf.float32), problem)
        return tf.cast(wide, array.dtype)

    return run


def window(array: tf.Tensor, start: Sequence[int], size: Sequence[int]) -> tf.Tensor:
    """The cells from `start` on, `size` of them along each spatial axis; zeros where the array has none.

    Args:
        array: shape `(N, *sizes, channels)`.
        start: index per spatial axis; may lie before or behind the array.
        size: cells per spatial axis, >= 0.
    """
    cells, zeros = [], []
    for have, first, count in zip(array.shape[1:-1], start, size, strict=True):
        begin = min(max(first, 0), have)
        end = max(min(first + count, have), begin)
        before = min(max(-first, 0), count)
        cells.append(slice(begin, end))
        zeros.append((before, count - before - (end - begin)))
    if any(cell != slice(0, have) for cell, have in zip(cells, array.shape[1:-1], strict=True)):
        array = array[:, *cells]
    return tf.pad(array, [(0, 0), *zeros, (0, 0)]) if any(map(any, zeros)) else array


@_widened
def taps(y: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """The convolution: every tap takes its slice of the fine grid, and the products are summed."""
    steps = list(zip(problem.stride, problem.dilation, problem.coarse, strict=True))
    grid = window(y, [-lo for lo in problem.lo],
                  [max((i - 1) * s + (k - 1) * d + 1, 0) for k, (s, d, i) in zip(problem.kernel, steps, strict=True)])
    fine, rows = _split(grid, problem.groups), _split(kernel, problem.groups)
    parts = []
    for tap in np.ndindex(problem.kernel):
        cells = [slice(t * d, t * d + i * s, s) for t, (s, d, i) in zip(tap, steps, strict=True)]
        parts.append(tf.einsum("...gd,dgc->...gc", fine[:, *cells], rows[tap]))
    return _join(tf.add_n(parts))


@_widened
def phases(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """The transposed convolution: each phase of the fine grid sums its own taps, and the phases are interleaved.

    Counted before the crop, the cells of one phase are `block * stride + phase`.
    """
    first = [lo // s for lo, s in zip(problem.lo, problem.stride, strict=True)]
    blocks = [max(-(-(lo + o) // s) - f, 0)
              for lo, o, s, f in zip(problem.lo, problem.fine, problem.stride, first, strict=True)]
    back = [(k - 1) * d // s for k, d, s in zip(problem.kernel, problem.dilation, problem.stride, strict=True)]
    grid = window(x, [f - b for f, b in zip(first, back, strict=True)],
                  [n + b for n, b in zip(blocks, back, strict=True)])
    coarse, rows = _split(grid, problem.groups), _split(kernel, problem.groups)
    channels = kernel.shape[-2] * problem.groups
    shape = [_batch(x), *blocks, channels]
    stack = []
    for phase in np.ndindex(problem.stride):
        parts = []
        for tap in product(*(phase_taps(problem, axis, r) for axis, r in enumerate(phase))):
            at = [b - t * d // s for b, t, d, s in zip(back, tap, problem.dilation, problem.stride, strict=True)]
            cells = [slice(a, a + n) for a, n in zip(at, blocks, strict=True)]
            parts.append(tf.einsum("...gc,dgc->...gd", coarse[:, *cells], rows[tap]))
        stack.append(_join(tf.add_n(parts)) if parts else tf.zeros(shape, x.dtype))
    start = [lo - f * s for lo, f, s in zip(problem.lo, first, problem.stride, strict=True)]
    return window(_interleave(tf.stack(stack), problem.stride, shape), start, problem.fine)


def _interleave(stack: tf.Tensor, stride: Sequence[int], shape: Sequence[int]) -> tf.Tensor:
    """Phases `(prod(stride), N, *blocks, D)` to one grid `(N, *blocks * stride, D)`."""
    rank = len(stride)
    grid = tf.reshape(stack, [*stride, *shape])
    order = [rank, *(axis for r in range(rank) for axis in (rank + 1 + r, r)), 2 * rank + 1]
    sizes = [n * s for n, s in zip(shape[1:-1], stride, strict=True)]
    return tf.reshape(tf.transpose(grid, order), [shape[0], *sizes, shape[-1]])


def _batch(x: tf.Tensor) -> int | tf.Tensor:
    return tf.shape(x)[0] if x.shape[0] is None else x.shape[0]


def _split(array: tf.Tensor, groups: int) -> tf.Tensor:
    """The last axis in two: groups, and the channels of one group."""
    *sizes, channels = array.shape
    return tf.reshape(array, [_batch(array), *sizes[1:], groups, channels // groups])


def _join(array: tf.Tensor) -> tf.Tensor:
    *sizes, groups, channels = array.shape
    return tf.reshape(array, [_batch(array), *sizes[1:], groups * channels])
