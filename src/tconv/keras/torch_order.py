"""The contractions on PyTorch tensors in Keras' order of axes: views of channels-first tensors, nothing is copied."""

from __future__ import annotations

from typing import Any

import torch

from ..geometry import Problem
from ..torch import family, plain
from ..torch.activations import NOTHING, Finish

__all__ = ["conv", "conv_transpose"]


def conv_transpose(x: Any, kernel: Any, problem: Problem, bias: Any = None, finish: Finish = NOTHING) -> Any:
    """Coarse `(N, *coarse, C)` and kernel `(*K, D / groups, C)` to fine `(N, *fine, D)`."""
    return _layer("conv_transpose", x, kernel, problem, bias, finish)


def conv(y: Any, kernel: Any, problem: Problem, bias: Any = None, finish: Finish = NOTHING) -> Any:
    """Fine `(N, *fine, D)` and kernel `(*K, D / groups, C)` to coarse `(N, *coarse, C)`."""
    return _layer("conv", y, kernel, problem, bias, finish)


def _layer(name: str, array: Any, kernel: Any, problem: Problem, bias: Any, finish: Finish) -> Any:
    room = _room()
    if room is plain:
        return _last(finish(getattr(plain, name)(_first(array), _weight(kernel), problem, bias)))
    return _last(getattr(family, name)(_first(array), _weight(kernel), problem, bias, finish._replace(last=True)))


def _room() -> Any:
    """PyTorch's own operations while a model is exported, ours otherwise."""
    exporting = torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export() or torch.jit.is_tracing()
    return plain if exporting else family


def _first(array: Any) -> Any:
    return array.movedim(-1, 1)


def _last(array: Any) -> Any:
    return array.movedim(1, -1)


def _weight(kernel: Any) -> Any:
    """`(*K, D / groups, C)` as PyTorch's `(C, D / groups, *K)`."""
    return kernel.movedim((-1, -2), (0, 1))
