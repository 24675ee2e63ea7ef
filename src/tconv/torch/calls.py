"""One call of a layer: its settings and sizes become a `Problem`, which goes the fast way or the plain one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ..errors import ShapeError
from . import family, halves, plain, problems
from .activations import NOTHING, Finish
from .operations import serves

__all__ = ["conv", "conv_transpose"]


def conv_transpose(rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
                   output_padding: Any, groups: int, dilation: Any, output_size: Any,
                   finish: Finish = NOTHING) -> Tensor:
    """The transposed convolution over `rank` axes, in PyTorch's words; see `tconv.torch.conv_transpose2d`."""
    fast = _fast(input, weight, bias)
    if not fast and (half := halves.computed_in(input, weight, bias)):
        with halves.prepared(half, input, weight, bias) as (x, w, b):
            return conv_transpose(rank, x, w, b, stride, padding, output_padding, groups, dilation, output_size,
                                  finish).to(half)
    if not fast and output_size is None and _traced() and problems.sayable(padding):
        own = plain.CONV_TRANSPOSE[rank]
        return finish(own(input, weight, bias, stride, padding, output_padding, groups, dilation))
    settings = (stride, padding, output_padding, dilation, groups, output_size)
    batched = _batched(rank, f"conv_transpose{rank}d", input)
    problem = problems.transposed(rank, settings, batched, weight, bias)
    result = family.conv_transpose(batched, weight, problem, bias, finish) if fast else (
        finish(plain.conv_transpose(batched, weight, problem, bias)))
    return result if batched is input else result.squeeze(0)


def conv(rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
         groups: int, finish: Finish = NOTHING) -> Tensor:
    """The convolution over `rank` axes, in PyTorch's words; see `tconv.torch.conv2d`."""
    fast = _fast(input, weight, bias)
    if not fast and (half := halves.computed_in(input, weight, bias)):
        with halves.prepared(half, input, weight, bias) as (x, w, b):
            return conv(rank, x, w, b, stride, padding, dilation, groups, finish).to(half)
    if not fast and _traced() and problems.sayable(padding):
        return finish(plain.CONV[rank](input, weight, bias, stride, padding, dilation, groups))
    batched = _batched(rank, f"conv{rank}d", input)
    problem = problems.ordinary(rank, (stride, padding, dilation, groups), batched, weight, bias)
    result = family.conv(batched, weight, problem, bias, finish) if fast else (
        finish(plain.conv(batched, weight, problem, bias)))
    return result if batched is input else result.squeeze(0)


def _fast(*tensors: Tensor | None) -> bool:
    """Whether a call goes to the engine: not in forward mode, under autocast, or on its way into an exported model."""
    return (
        serves(*tensors)
        and forward_ad._current_level < 0
        and not torch.is_autocast_enabled("cpu")
        and not (torch.compiler.is_exporting() or torch.jit.is_tracing())
    )


def _traced() -> bool:
    """Whether sizes may be symbols, which only PyTorch's own functions keep."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def _batched(rank: int, where: str, input: Tensor) -> Tensor:
    if not isinstance(input, Tensor):
        raise ShapeError(f"{where}: input is of type {type(input).__name__}, but has to be a tensor; "
                         "torch.as_tensor makes one.")
    return input.unsqueeze(0) if input.dim() == rank + 1 else input
