"""PyTorch with channels_last tensors."""

from __future__ import annotations

from ..peers.peer import Program
from ..steps import Step
from .pytorch import channels_last, model, programs_of, start

__all__ = ["programs", "start"]


def programs(task: Step) -> dict[str, Program]:
    """A model of its own modules."""
    return programs_of(model(task.network), task, channels_last)
