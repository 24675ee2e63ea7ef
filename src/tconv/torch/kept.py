"""Weights that no longer change, and how the engine has laid them out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from .. import engine
from .memory import as_kernel

__all__ = ["keep", "kernel"]

# A weight's packed form and the version that it is of; gone with the weight.
_kept: Any = WeakTensorKeyDictionary()


def keep(weight: Tensor) -> None:
    """Let the engine lay this weight out once; a change in place that PyTorch sees makes it do so again."""
    _kept[weight] = None


def kernel(weight: Tensor) -> Any:
    """A weight as the engine takes it: packed if it is kept, as it lies if it is not."""
    if weight.requires_grad or weight.is_inference() or weight.dtype is not torch.float32 or weight not in _kept:
        return as_kernel(weight)
    known, now = _kept[weight], (weight._version, weight.data_ptr())
    if known is None or known[1] != now:
        known = _kept[weight] = engine.pack(as_kernel(weight)), now
    return known[0]
