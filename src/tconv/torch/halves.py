"""Tensors of 16 bits, and autocast, on processors without instructions for them: computed in float32, rounded once.

PyTorch computes them there by the slowest of its ways. Where a processor has such instructions PyTorch's own way stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .. import engine
from .operations import PLAIN_TYPES

__all__ = ["computed_in", "widened"]

HALVES = (torch.bfloat16, torch.float16)


def _instructions() -> bool:
    """Whether the processor multiplies numbers of 16 bits; taken for granted where PyTorch does not say."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: True)() for name in names)


WANTED = engine.available() and not _instructions()


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
        return half if half in HALVES and kinds <= {torch.float32, *HALVES} else None
    return input.dtype if kinds <= set(HALVES) and len(kinds) == 1 else None


@contextmanager
def widened(half: torch.dtype, input: Tensor, weight: Tensor, bias: Tensor | None,
            ) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """The tensors as numbers that `half` has, in float32, and no autocast within."""
    with torch.autocast("cpu", enabled=False):
        yield input.to(half).float(), weight.to(half).float(), None if bias is None else bias.to(half).float()
