"""tconv.torch: PyTorch's tensors and kernels as PyTorch has them, plain and channels_last."""

from __future__ import annotations

from functools import partial

from ...torch.operations import contract
from ..cases import Arrays, Task
from .ours import start as start_ours
from .peer import Program
from .pytorch import Layout, kernel, last, plain, quietly, tensors
from .pytorch import start as start_torch
from .pytorch_last import FORMATS, channels_last

__all__ = ["programs", "start"]


def start(threads: int) -> None:
    """Let PyTorch have so many threads, and the engine."""
    start_torch(threads)
    start_ours(threads)


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The contraction that the pass is, in each layout that PyTorch has for it."""
    layouts = {"plain": plain, "channels_last": channels_last}
    if task.layer.problem.rank + 2 not in FORMATS:
        del layouts["channels_last"]
    return {name: _program(task, arrays, layout) for name, layout in layouts.items()}


def _program(task: Task, arrays: Arrays, layout: Layout) -> Program:
    x, y, w = map(layout, tensors(task, arrays))
    given = {"forward": ("conv_transpose", x, w), "input gradient": ("conv", y, w),
             "kernel gradient": ("kernel_gradient", y, x)}[task.passing]
    run = partial(contract, *given, None, task.layer.problem)
    return Program(quietly(run), kernel if task.passing == "kernel gradient" else last)
