"""The views as stories, a still picture and steps: one file each, imported when it is told."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from ..cells import Index
from ..facts import Explanation
from ..picture import Story

__all__ = ["VIEWS", "View"]


class View(NamedTuple):
    """One way to look at a layer; the file of its name tells it."""

    name: str
    says: str

    def __call__(self, told: Explanation, channel: int = 0, cell: Index | None = None) -> Story:
        """Its story for one channel of the result, and for one cell where that matters."""
        tell: Any = getattr(import_module(f".{self.name}", __package__), self.name)
        return tell(told, channel, cell)  # type: ignore[no-any-return]


VIEWS: dict[str, View] = {
    view.name: view for view in (
        View("distribute", "stamps that are added"),
        View("collect", "a window that slides over the stuffed grid"),
        View("matrix", "one matrix times the flattened input"),
        View("phases", "a small layer for each residue of the stride"),
        View("cell", "what made one cell of the result"),
        View("overlap", "how many products meet in each cell"),
        View("gradient", "both gradients"),
        View("summary", "sizes, overlap and work, for layers of any size"),
    )
}
