"""Weights that no longer change, and how the engine has laid them out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from .. import engine
from .memory import as_kernel

__all__ = ["keep", "packed"]

# A weight's packed form and the version that it is of; gone with the weight.
_kept: Any = WeakTensorKeyDictionary()


def keep(weight: Tensor) -> None:
    """Let the engine lay this weight out once; a change in place that PyTorch sees makes it do so again."""
    _kept[weight] = None


def packed(weight: Tensor) -> engine.Packed | None:
    """A weight that is kept, as it is now; None if it is not kept."""
    if weight.requires_grad or weight.is_inference() or weight.dtype is not torch.float32 or weight not in _kept:
        return None
    known, now = _kept[weight], (weight._version, weight.data_ptr())
    if known is None or known[1] != now:
        known = _kept[weight] = engine.pack(as_kernel(weight)), now
    found: engine.Packed = known[0]
    return found
