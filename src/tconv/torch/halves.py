"""Tensors of 16 bits, and autocast: bfloat16 goes to the engine as it is, float16 as float32 that is rounded once.

PyTorch computes the second by the slowest of its ways where the processor has no instructions for 16 bits; where it has
some, PyTorch's own way stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .operations import PLAIN_TYPES, SERVED, instructions

__all__ = ["computed_in", "prepared"]

WANTED = {torch.bfloat16} & {*SERVED} | ({torch.float16} if SERVED and not instructions() else set())


def computed_in(input: Tensor, weight: Tensor, bias: Tensor | None) -> torch.dtype | None:
    """The dtype of 16 bits that a call's result has, if the engine is to compute it; else None."""
    if not WANTED or forward_ad._current_level >= 0 or torch.compiler.is_exporting() or torch.jit.is_tracing():
        return None
    tensors = [input, weight] if bias is None else [input, weight, bias]
    if not all(type(tensor) in PLAIN_TYPES and tensor.is_cpu and tensor.layout is torch.strided for tensor in tensors):
        return None
    kinds = {tensor.dtype for tensor in tensors}
    if torch.is_autocast_enabled("cpu"):
        half = torch.get_autocast_dtype("cpu")
        return half if half in WANTED and kinds <= {torch.float32, torch.bfloat16, torch.float16} else None
    return input.dtype if kinds <= WANTED and len(kinds) == 1 else None


@contextmanager
def prepared(half: torch.dtype, input: Tensor, weight: Tensor, bias: Tensor | None,
             ) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """The tensors as numbers that `half` has, in the dtype that they are computed in, and no autocast within."""
    dtype = half if half in SERVED else torch.float32
    with torch.autocast("cpu", enabled=False):
        yield input.to(half).to(dtype), weight.to(half).to(dtype), None if bias is None else bias.to(half).to(dtype)
