"""The views as stories: a still picture, and steps."""

from __future__ import annotations

from collections.abc import Callable

from ..cells import Index
from ..facts import Explanation
from ..picture import Story
from .cell import cell
from .collect import collect
from .distribute import distribute
from .gradient import gradient
from .matrix import matrix
from .overlap import overlap
from .phases import phases
from .summary import summary

__all__ = ["VIEWS", "View"]

View = Callable[[Explanation, int, Index | None], Story]

VIEWS: dict[str, View] = {
    "distribute": distribute,
    "collect": collect,
    "matrix": matrix,
    "phases": phases,
    "cell": cell,
    "overlap": overlap,
    "gradient": gradient,
    "summary": summary,
}
