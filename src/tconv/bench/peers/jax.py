"""JAX, jitted, with live kernels: each pass is a convolution or the transpose of one, as its differentiation has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax

from ...geometry import Problem
from ..cases import Arrays, Task
from .peer import Program

__all__ = ["programs", "start"]


def start(threads: int) -> None:
    """It takes as many threads as the process has cores."""


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The pass, compiled."""
    x, y, w = (jax.device_put(jax.numpy.asarray(array, task.dtype)) for array in arrays)
    conv = partial(_conv, task.layer.problem)
    ways: dict[str, tuple[Callable[..., Any], tuple[jax.Array, ...]]] = {
        "forward": (lambda x, w: jax.linear_transpose(lambda y: conv(y, w), y)(x)[0], (x, w)),
        "input gradient": (conv, (y, w)),
        "kernel gradient": (lambda y, x: jax.linear_transpose(lambda w: conv(y, w), w)(x)[0], (y, x)),
    }
    function, given = ways[task.passing]
    compiled = jax.jit(function)
    return {"jit": Program(lambda: compiled(*given).block_until_ready(), lambda out: np.asarray(out, np.float32))}


def _conv(problem: Problem, y: jax.Array, w: jax.Array) -> jax.Array:
    """The convolution whose transpose the layer is."""
    axes = "DHW"[3 - problem.rank:]
    return lax.conv_general_dilated(
        y, w, problem.stride, list(zip(problem.lo, problem.hi, strict=True)), rhs_dilation=problem.dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"), feature_group_count=problem.groups)
