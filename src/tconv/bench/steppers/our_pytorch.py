"""PyTorch's modules after `tconv.torch.accelerate`, in the layout that is the faster."""

from __future__ import annotations

from ... import engine
from ...torch import accelerate
from ..peers.peer import Program
from ..steps import Step
from .pytorch import channels_last, model, plain, programs_of, start

__all__ = ["programs", "start"]

LAYOUTS = {"plain": plain, "channels_last": channels_last}


def programs(task: Step) -> dict[str, Program]:
    """The accelerated model in both layouts."""
    engine.set_threads(task.threads)
    return {name: programs_of(accelerate(model(task.network)), task, layout)["step"]
            for name, layout in LAYOUTS.items()}
