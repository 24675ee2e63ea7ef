"""PyTorch with channels_last tensors, live kernels; sound as images of one row, which have that layout."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...geometry import Problem
from ..cases import Arrays, Task
from .peer import Program
from .pytorch import programs_in, start

__all__ = ["as_image", "channels_last", "programs", "start"]

FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def channels_last(tensor: Tensor) -> Tensor:
    """A tensor whose channels lie side by side in memory."""
    return tensor.contiguous(memory_format=FORMATS[tensor.ndim])


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The same functions as for the plain layout."""
    if task.layer.problem.rank > 1:
        return programs_in(channels_last, task, arrays)
    found = programs_in(channels_last, *as_image(task, arrays))
    return {name: Program(one.run, _without_row(task, one)) for name, one in found.items()}


def as_image(task: Task, arrays: Arrays) -> tuple[Task, Arrays]:
    """One spatial axis as the second of two, of which the first has one row and one tap."""
    p = task.layer.problem
    flat = Problem((1, *p.kernel), (1, *p.stride), (1, *p.dilation), (0, *p.lo), (1, *p.coarse), (1, *p.fine), p.groups)
    x, y, w = arrays
    return replace(task, layer=replace(task.layer, problem=flat)), Arrays(x[:, None], y[:, None], w[None])


def _without_row(task: Task, program: Program):  # type: ignore[no-untyped-def]
    axis = 0 if task.passing == "kernel gradient" else 1
    return lambda out: program.result(out).squeeze(axis)  # type: ignore[arg-type]
