"""A layer of tensors by the engine, which is told where they lie."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .. import engine
from ..geometry import Problem
from . import kept
from .activations import Finish
from .memory import lying_last, lying_plain, room

__all__ = ["layer"]

Shape = tuple[int, ...]


class _Met(NamedTuple):
    """A problem met by the shapes of two tensors."""

    said: list[int]  # to the engine
    shape: Shape  # of the result, `(N, D, *I)`
    strides: Shape  # of the result, with its channels last in memory
    array: Shape  # of the result, as the array `(N, *I, D)` that it is to the engine
    total: int  # how many numbers that is


def layer(name: str, array: Tensor, kernel: Tensor, bias: Tensor | None, problem: Problem, finish: Finish,
          last: bool) -> Tensor:
    """`conv` or `conv_transpose` of tensors that the engine serves.

    Args:
        name: which of the two.
        array: shape `(N, C, *I)`, in any memory order.
        kernel: shape `(C, D / groups, *K)`, in any memory order.
        bias: one number for each channel of the result, or None.
        problem: the setting met by these sizes.
        finish: what is done to each result before it is stored.
        last: whether the result is channels-last in memory, or plain.

    Raises:
        ShapeError: if the tensors do not fit the problem.
    """
    met = _met(name, problem, array.shape, kernel.shape)
    given = lying_last(_signed(array))
    packed = kept.packed(kernel)
    weights = _even(_signed(kernel)) if packed is None else kernel
    added = None if bias is None else _signed(bias).float().contiguous()
    out = _room(met, array.dtype)
    address, steps, layouts = _as_it_lies(weights) if packed is None else (packed.address, packed.steps, packed.layouts)
    engine.layer_at(name, met.said, given.data_ptr(), address, steps, out.data_ptr(),
                    0 if added is None else added.data_ptr(), finish.activation, finish.slope,
                    halves=array.dtype is torch.bfloat16, layouts=layouts)
    return out if last else lying_plain(out)


@lru_cache(4096)
def _met(name: str, problem: Problem, array: Shape, kernel: Shape) -> _Met:
    said, (batch, *sizes, channels) = engine.met(name, problem, (array[0], *array[2:], array[1]),
                                                  (*kernel[2:], kernel[1], kernel[0]))
    shape, steps = (batch, channels, *sizes), [1]
    for size in (channels, *reversed(sizes)):
        steps.append(steps[-1] * size)
    return _Met(said, shape, (steps[-1], 1, *reversed(steps[1:-1])), (batch, *sizes, channels), steps[-1] * batch)


def _as_it_lies(kernel: Tensor) -> tuple[int, engine.Steps, None]:
    strides = kernel.stride()
    return kernel.data_ptr(), (strides[-1], strides[1], strides[0]), None


def _even(kernel: Tensor) -> Tensor:
    """The same, copied if its taps do not lie evenly."""
    if kernel.is_contiguous():
        return kernel
    sizes, strides = kernel.shape, kernel.stride()
    even = all(strides[axis] == strides[axis + 1] * sizes[axis + 1] for axis in range(2, kernel.dim() - 1))
    return kernel if even else kernel.contiguous()


def _signed(tensor: Tensor) -> Tensor:
    """The same, with its sign if that is still to be applied."""
    return tensor.resolve_neg() if tensor.is_neg() else tensor


def _room(met: _Met, dtype: torch.dtype) -> Tensor:
    """Where the result goes; memory of one before it, if it is large."""
    if engine.taken_again(met.total * dtype.itemsize):
        return room(met.array, dtype, last=True)
    return torch.empty_strided(met.shape, met.strides, dtype=dtype)
