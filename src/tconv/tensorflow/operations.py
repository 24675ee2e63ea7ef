"""The two layers in canonical terms on TensorFlow's tensors, by the operation of `tf.nn` that says it best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ..geometry import Problem
from .portable import phases, taps, window

__all__ = ["conv", "conv_transpose"]


@tf.autograph.experimental.do_not_convert
def conv_transpose(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """Stamp the kernel at every coarse cell.

    Args:
        x: coarse tensor, shape `(N, *coarse, C)`; N may be unknown while a graph is made.
        kernel: shape `(*K, D / groups, C)`.
        problem: the setting met by these sizes.

    Returns:
        Fine tensor, shape `(N, *fine, D)`; the dtype of `x`.

    Raises:
        ShapeError: if `x` and `kernel` are not the tensors that `problem` describes.
    """
    problem.extent("conv_transpose", coarse=tuple(x.shape), kernel=tuple(kernel.shape))
    if _beyond(problem):
        return phases(x, kernel, problem)
    if max(problem.dilation) > 1:
        return _slide(x, kernel, problem)
    padding = _name(problem)
    full = [axis.full(size) for axis, size in zip(problem.axes, problem.coarse, strict=True)]
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    y = tf.nn.conv_transpose(x, kernel, [batch, *(problem.fine if padding else full), kernel.shape[-2]],
                               problem.stride, padding or "VALID")
    return y if padding else window(y, problem.lo, problem.fine)


@tf.autograph.experimental.do_not_convert
def conv(y: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """Let every coarse cell collect from the fine cells under its kernel.

    Args:
        y: fine tensor, shape `(N, *fine, D)`; N may be unknown while a graph is made.
        kernel: shape `(*K, D / groups, C)`.
        problem: the setting met by these sizes.

    Returns:
        Coarse tensor, shape `(N, *coarse, C)`; the dtype of `y`.

    Raises:
        ShapeError: if `y` and `kernel` are not the tensors that `problem` describes.
    """
    problem.extent("conv", fine=tuple(y.shape), kernel=tuple(kernel.shape))
    if _beyond(problem):
        return taps(y, kernel, problem)
    padding = _name(problem)
    if padding is None:
        rows = zip(problem.axes, problem.coarse, strict=True)
        y = window(y, [-lo for lo in problem.lo], [axis.full(size) for axis, size in rows])
    return _convolution(y, kernel, problem.stride, padding or "VALID", problem.dilation)


def _beyond(problem: Problem) -> bool:
    """Whether `tf.nn` cannot do, or cannot differentiate, this problem on every device."""
    both = max(problem.stride) > 1 and max(problem.dilation) > 1
    return both or problem.groups > 1 or problem.rank > 3 or 0 in (*problem.coarse, *problem.fine)


def _slide(x: tf.Tensor, kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
    """With a stride of 1 the transposed convolution is a convolution with the kernel turned around."""
    ring = [axis.reach - 1 for axis in problem.axes]
    ringed = window(x, [lo - rim for lo, rim in zip(problem.lo, ring, strict=True)],
                    [size + rim for size, rim in zip(problem.fine, ring, strict=True)])
    turned = tf.reverse(tf.linalg.matrix_transpose(kernel), list(range(problem.rank)))
    return _convolution(ringed, turned, problem.stride, "VALID", problem.dilation)


def _convolution(y: tf.Tensor, kernel: tf.Tensor, stride: Sequence[int], padding: str, dilation: Sequence[int]) -> Any:
    layout = ("NWC", "NHWC", "NDHWC")[len(stride) - 1]  # without it the eager 3-D gradient fails
    return tf.nn.convolution(y, kernel, list(stride), padding, layout, list(dilation))


def _name(problem: Problem) -> str | None:
    """The padding that TensorFlow has a name for, if this is one; both layers ask the same of the sizes."""
    axes = list(zip(problem.stride, problem.lo, problem.hi, problem.coarse, problem.fine, strict=True))
    if all(lo == 0 and -s < hi <= 0 for s, lo, hi, _, _ in axes):
        return "VALID"
    if all(-(-o // s) == i and lo == max(lo + hi, 0) // 2 for s, lo, hi, i, o in axes):
        return "SAME"
    return None
