"""The three contractions in PyTorch's own operations: for every device and dtype, and for models that are exported.

Arrays are channels-first, as everywhere in PyTorch: coarse `(N, C, *coarse)`, fine `(N, D, *fine)`, and the kernel
`(C, D / groups, *K)`, which is the weight of either layer as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import Axis, Problem

__all__ = ["CONV", "CONV_TRANSPOSE", "channelwise", "conv", "conv_transpose", "kernel_gradient"]

CONV = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
CONV_TRANSPOSE = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}


def conv_transpose(coarse: Tensor, kernel: Tensor, problem: Problem, bias: Tensor | None = None) -> Tensor:
    """Coarse and kernel to fine `(N, D, *fine)`, plus a bias `(D,)`.

    PyTorch crops both ends alike, or less at the end by less than the stride or the dilation; what else there is to
    cut off or to add follows after it.
    """
    coarse, problem = _inhabited(coarse, problem)
    padding, output_padding, rest = (_cuts.__wrapped__ if torch.compiler.is_compiling() else _cuts)(problem)
    late = bias is not None and any(end > 0 for pair in rest for end in pair)
    settings = (problem.stride, padding, output_padding, problem.groups, problem.dilation)
    fine = _grown(CONV_TRANSPOSE[problem.rank](coarse, kernel, None if late else bias, *settings), rest)
    return fine if bias is None or not late else fine + channelwise(bias, problem.rank)


def conv(fine: Tensor, kernel: Tensor, problem: Problem, bias: Tensor | None = None) -> Tensor:
    """Fine and kernel to coarse `(N, C, *coarse)`, plus a bias `(C,)`."""
    settings = (problem.stride, problem.dilation, problem.groups)
    rows = list(zip(problem.lo, problem.hi, problem.stride, strict=True))
    if 0 not in (*problem.coarse, *problem.fine) and all(lo >= 0 and 0 <= lo - hi < s for lo, hi, s in rows):
        return CONV[problem.rank](fine, kernel, bias, settings[0], problem.lo, *settings[1:])
    fine, full = _exact(fine, problem)
    coarse = CONV[problem.rank](fine, kernel, bias, settings[0], 0, *settings[1:])
    return _grown(coarse, [(0, size - larger) for size, larger in zip(problem.coarse, full.coarse, strict=True)])


def kernel_gradient(fine: Tensor, coarse: Tensor, problem: Problem) -> Tensor:
    """Fine and coarse to the kernel's `(C, D / groups, *K)`."""
    coarse, problem = _inhabited(coarse, problem)
    fine, problem = _exact(fine, problem)
    kernel = fine.new_empty(()).expand(coarse.shape[1], fine.shape[1] // problem.groups, *problem.kernel)
    zero = (0,) * problem.rank
    settings = (problem.stride, zero, problem.dilation, False, zero, problem.groups)
    return torch.ops.aten.convolution_backward(coarse, fine, kernel, None, *settings, (False, True, False))[1]


def channelwise(bias: Tensor, rank: int) -> Tensor:
    """A bias `(D,)` with axes of length 1 for the sizes."""
    return bias.reshape(-1, *(1,) * rank)


@lru_cache(4096)
def _cuts(problem: Problem) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[int, int]]]:
    """PyTorch's padding and output_padding for a problem, and how much is left to grow at the ends of each axis."""
    said = [_expressible(*row) for row in zip(problem.axes, problem.fine, strict=True)]
    rest = [(p - axis.lo, p - more - axis.hi) for (p, more), axis in zip(said, problem.axes, strict=True)]
    padding, output_padding = zip(*said, strict=True)
    return padding, output_padding, rest


def _expressible(axis: Axis, fine: int) -> tuple[int, int]:
    """The `(padding, output_padding)` that come closest to an axis' crop and cut off no more than it does."""
    if fine and axis.lo >= 0 and 0 <= axis.lo - axis.hi < max(axis.stride, axis.dilation):
        return axis.lo, axis.lo - axis.hi
    return (max(min(axis.crop), 0), 0) if fine else (0, 0)


def _inhabited(coarse: Tensor, problem: Problem) -> tuple[Tensor, Problem]:
    """The same contraction with one zero cell on each empty coarse axis, since PyTorch refuses empty axes."""
    if 0 not in problem.coarse:
        return coarse, problem
    sizes = tuple(max(size, 1) for size in problem.coarse)
    more = [(0, new - old) for old, new in zip(problem.coarse, sizes, strict=True)]
    return _grown(coarse, more), replace(problem, coarse=sizes)


def _exact(fine: Tensor, problem: Problem) -> tuple[Tensor, Problem]:
    """The fine array padded and cut to just what its coarse cells see, so that no padding is left to do."""
    full = replace(problem, coarse=tuple(max(size, 1) for size in problem.coarse))
    return _grown(fine, list(zip(full.lo, full.hi, strict=True))), full


def _grown(array: Tensor, ends: Sequence[tuple[int, int]]) -> Tensor:
    """An array with so many zeros more at the start and end of each axis, or so many cells fewer."""
    if not any(map(any, ends)):
        return array
    pairs = [_within(size, *pair) for size, pair in zip(array.shape[2:], ends, strict=True)]
    return F.pad(array, [end for pair in reversed(pairs) for end in pair])


def _within(size: int, start: int, end: int) -> tuple[int, int]:
    """The same growth of an axis where a cut at one end goes beyond all of its cells."""
    if start < -size:
        return -size, size + start + end
    return (size + start + end, -size) if end < -size else (start, end)
