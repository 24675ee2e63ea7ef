"""The engine on NumPy arrays, with a kernel that it has laid out before."""

from __future__ import annotations

from ... import engine
from ...errors import UnsupportedError
from ..cases import Arrays, Task
from .ours import start
from .peer import Program

__all__ = ["programs", "start"]


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The layer itself; a kernel gradient has no kernel."""
    x, _, w = arrays
    problem, packed = task.layer.problem, engine.pack(w)
    if not engine.serves(x, w):
        raise UnsupportedError(f"the engine takes no {task.dtype} here ({engine.isa()})")
    return {"engine": Program(lambda: engine.conv_transpose(x, packed, problem), lambda out: out)}
