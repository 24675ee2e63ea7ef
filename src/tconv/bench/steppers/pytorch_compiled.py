"""PyTorch's compiler, channels_last."""

from __future__ import annotations

import torch

from ..peers.peer import Program
from ..steps import Step
from .pytorch import channels_last, model, programs_of, start

__all__ = ["programs", "start"]


def programs(task: Step) -> dict[str, Program]:
    """Model and loss as one compiled function."""
    torch._dynamo.reset()
    return programs_of(model(task.network), task, channels_last, torch.compile)
