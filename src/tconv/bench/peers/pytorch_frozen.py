"""PyTorch's compiler with the kernel frozen into the program, channels_last."""

from __future__ import annotations

import torch

from ..cases import Arrays, Task
from .peer import Program
from .pytorch import Laid, last, prepare, start, transposed
from .pytorch_last import as_image, channels_last

__all__ = ["programs", "start"]


class Layer(torch.nn.Module):
    """A layer whose kernel is its own."""

    def __init__(self, laid: Laid):
        super().__init__()
        self.laid = laid
        self.w = torch.nn.Parameter(laid.w, requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return transposed(self.laid._replace(x=x, w=self.w))


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The compiled layer; freezing itself is asked for by a variable of the process."""
    torch._dynamo.reset()
    flat = task.layer.problem.rank == 1
    laid = prepare(*(as_image(task, arrays) if flat else (task, arrays)), channels_last)
    layer = torch.compile(Layer(laid).eval())
    run = torch.no_grad()(lambda: layer(laid.x))
    return {"compiled": Program(run, lambda out: last(out).squeeze(1) if flat else last(out))}
