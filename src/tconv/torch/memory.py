"""Where numbers lie: PyTorch's channels-first tensors as the engine's channels-last arrays, and back, copying little.

A result follows PyTorch's own habit: it is channels-last in memory if the array or the kernel is, plain otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import engine
from ..methods.channels import Array

__all__ = [
    "PLAIN_TYPES", "as_array", "as_kernel", "as_tensor", "as_vector", "channels_last", "empty", "kernel_tensor", "laid",
    "lies_last", "lying_last", "lying_plain", "room",
]

PLAIN_TYPES = (Tensor, torch.nn.Parameter)
BITS: dict[torch.dtype, np.dtype[Any]] = {torch.float32: np.dtype(np.float32), torch.bfloat16: np.dtype(np.uint16)}
SMALL = 2**14  # numbers, which PyTorch has copied by the time that the engine begins
WORTH = 16  # channels of 16 bits from which on the engine, which turns pairs of them, is the sooner

LAST = {axes: (0, *range(2, axes), 1) for axes in (3, 4, 5)}
FIRST = {axes: (0, axes - 1, *range(1, axes - 1)) for axes in (3, 4, 5)}
FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
KERNEL = {axes: (*range(2, axes), 1, 0) for axes in (3, 4, 5)}


def channels_last(tensor: Tensor) -> bool:
    """Whether the channels of `(N, C, *I)` lie side by side; where both layouts are alike, it counts as plain."""
    return not tensor.is_contiguous() and tensor.stride(1) == 1


def lies_last(tensor: Tensor) -> bool:
    """Whether `as_array` takes no copy: the channels of `(N, C, *I)` lie side by side, or there is one."""
    known = FORMATS.get(tensor.dim())
    if known is None:
        return tensor.permute(LAST[tensor.dim()]).is_contiguous()
    return tensor.is_contiguous(memory_format=known)


def lying_last(tensor: Tensor) -> Tensor:
    """The same with its channels side by side in memory; a copy only if it is plain."""
    if lies_last(tensor):
        return tensor
    axes = tensor.dim()
    if _turned_over(tensor) and tensor.is_contiguous():
        batch, channels, *sizes = tensor.shape
        out = room((batch, *sizes, channels), tensor.dtype, last=True)
        engine.images_at(tensor.data_ptr(), batch, channels, math.prod(sizes), out.data_ptr(),
                         halves=tensor.dtype is torch.bfloat16)
        return out
    return tensor.permute(LAST[axes]).contiguous().permute(FIRST[axes])


def lying_plain(tensor: Tensor) -> Tensor:
    """The same as PyTorch has it, plain in memory; a copy only if it lies otherwise."""
    if tensor.is_contiguous() or not (_turned_over(tensor) and lies_last(tensor)):
        return tensor.contiguous()
    out = room(tuple(tensor.shape), tensor.dtype, last=False)
    batch, channels, *sizes = tensor.shape
    engine.images_at(tensor.data_ptr(), batch, math.prod(sizes), channels, out.data_ptr(),
                     halves=tensor.dtype is torch.bfloat16)
    return out


def _turned_over(tensor: Tensor) -> bool:
    """Whether the engine copies a tensor into another layout, sooner than PyTorch, and no gradient is asked for."""
    if tensor.dtype not in BITS or tensor.dim() not in LAST or type(tensor) not in PLAIN_TYPES:
        return False
    if tensor.numel() < SMALL or not tensor.is_cpu or tensor.is_neg():
        return False
    _, channels, *sizes = tensor.shape
    if tensor.dtype is torch.bfloat16 and (channels < WORTH or channels % 2 or math.prod(sizes) % 2):
        return False
    return not (tensor.requires_grad and torch.is_grad_enabled()) and engine.available()


def room(shape: Sequence[int], dtype: torch.dtype, last: bool) -> Tensor:
    """Where a result goes; memory of one before it, if it is large.

    Args:
        shape: as it lies: `(N, *I, C)` if `last`, else `(N, C, *I)`.
        dtype: float32 or bfloat16.
        last: whether channels lie last.
    """
    if engine.taken_again(math.prod(shape) * dtype.itemsize):
        tensor = _tensor(engine.room(tuple(shape), BITS[dtype]))
    else:
        tensor = torch.empty(tuple(shape), dtype=dtype)
    return tensor.permute(FIRST[len(shape)]) if last else tensor


def as_array(tensor: Tensor) -> Array:
    """`(N, C, *I)` as an array `(N, *I, C)`, contiguous; a copy only if the tensor is plain."""
    array = as_vector(lying_last(tensor.detach())).transpose(LAST[tensor.dim()])
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def as_kernel(tensor: Tensor) -> Array:
    """A weight `(C, D / groups, *K)` as a view `(*K, D / groups, C)`."""
    return as_vector(tensor).transpose(KERNEL[tensor.dim()])


def as_vector(tensor: Tensor) -> Array:
    """A tensor as an array of its shape: without its gradient, and with its sign if that is still to be applied.

    NumPy has no bfloat16: its numbers go as their bits.
    """
    if tensor.dtype is torch.bfloat16:
        tensor = tensor.detach().view(torch.uint16)
    array: Array = tensor.numpy(force=True)
    return array


def _tensor(array: Array) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if tensor.dtype is torch.uint16 else tensor


def as_tensor(array: Array, last: bool) -> Tensor:
    """An array `(N, *I, C)` as a tensor `(N, C, *I)`: in its own memory if `last`, else plain."""
    tensor = _tensor(array.transpose(FIRST[array.ndim]))
    return tensor if last else lying_plain(tensor)


def laid(tensor: Tensor, last: bool) -> Tensor:
    """The same tensor `(N, C, *I)`, channels-last in memory or plain."""
    return tensor.movedim(1, -1).contiguous().movedim(-1, 1) if last else tensor.contiguous()


def kernel_tensor(array: Array) -> Tensor:
    """An array `(*K, D / groups, C)` as a weight `(C, D / groups, *K)` over the same memory."""
    return _tensor(array.transpose(-1, -2, *range(array.ndim - 2)))


def empty(like: Tensor, shape: Sequence[int], last: bool) -> Tensor:
    """What `as_tensor` gives, without its values."""
    if not last:
        return like.new_empty(tuple(shape))
    batch, channels, *sizes = shape
    return like.new_empty((batch, *sizes, channels)).movedim(-1, 1)
