"""The compiled part, if there is one, and how it reads a problem."""

from __future__ import annotations

from typing import Any

from ..geometry import Problem
from . import environment

__all__ = ["available", "native", "numbers"]

native: Any
try:
    from . import _native as native  # type: ignore[attr-defined,no-redef]
except ImportError:  # the portable package: no compiler at build time
    native = None
else:
    environment.check()


def available() -> bool:
    """Whether the compiled part is there."""
    return native is not None


def numbers(problem: Problem, batch: int, coarse_channels: int, fine_channels: int) -> list[int]:
    """A problem as the compiled part reads it: rank, batch, channels, groups, then six numbers for each axis."""
    rows = zip(problem.kernel, problem.stride, problem.dilation, problem.lo, problem.coarse, problem.fine, strict=True)
    head = [problem.rank, batch, coarse_channels, fine_channels, problem.groups]
    return head + [value for row in rows for value in row]
