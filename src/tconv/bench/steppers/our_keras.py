"""The same model of our layers."""

from __future__ import annotations

from ... import engine
from ...keras import layers
from ..peers.peer import Program
from ..steps import Step
from .keras import programs_of, start

__all__ = ["programs", "start"]


def programs(task: Step) -> dict[str, Program]:
    """Our layers in the place of Keras'."""
    engine.set_threads(task.threads)
    return programs_of(layers, task)
