"""The engine on NumPy arrays, with live kernels."""

from __future__ import annotations

import numpy as np

from ... import engine
from ...errors import UnsupportedError
from ..cases import Arrays, Task
from .peer import Program

__all__ = ["programs", "start"]


def start(threads: int) -> None:
    """Let the engine have so many threads."""
    engine.set_threads(threads)


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The contraction that the pass is."""
    x, y, w = arrays if task.dtype == "float32" else map(_as_bfloat16, arrays)
    problem = task.layer.problem
    if not engine.serves(x, y, w):
        raise UnsupportedError(f"the engine takes no {task.dtype} here ({engine.isa()})")
    run = {"forward": lambda: engine.conv_transpose(x, w, problem),
           "input gradient": lambda: engine.conv(y, w, problem),
           "kernel gradient": lambda: engine.kernel_gradient(y, x, problem)}[task.passing]
    return {"engine": Program(run, lambda out: out.astype(np.float32, copy=False))}


def _as_bfloat16(array: np.ndarray) -> np.ndarray:
    from ml_dtypes import bfloat16

    return array.astype(bfloat16)
