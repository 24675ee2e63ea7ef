"""The story of the overlap."""

from __future__ import annotations

import numpy as np

from ..cells import Index
from ..facts import Explanation
from ..picture import Item, Picture, Story, panels

__all__ = ["overlap"]


def overlap(told: Explanation, channel: int, cell: Index | None) -> Story:
    """How many products meet in each fine cell."""
    view = told.overlap
    counts = view.counts
    shades = counts / max(int(counts.max(initial=0)), 1)
    lines: list[tuple[Item, ...]] = [
        panels("products that meet in each fine cell", counts, "fine", numbered=True, shades=shades)]
    if counts.ndim > 1:
        lines.append(tuple(item for axis, row in enumerate(view.axes) for item in panels(
            f"along axis {axis}", np.array(row), "fine", shades=np.array(row) / max(*row, 1))))
    spoken = "; ".join(f"axis {axis} {':'.join(map(str, phases))}" for axis, phases in enumerate(view.phases))
    verdict = ("Every phase collects equally many: no checkerboard by construction." if view.even else
               "The phases collect unequally: this invites a checkerboard." if all(map(min, view.phases)) else
               "Some phases collect nothing: only the bias is there.")
    whose = "result" if told.transposed else "input, whose gradient has this pattern"
    about = (f"How many products meet in each cell of the {whose}, ends included. With a kernel that the stride "
             "divides the counts away from the ends are equal.")
    return Story("overlap", "Overlap: how many products meet", about,
                 Picture(tuple(lines), f"Away from the ends, taps by phase: {spoken}. {verdict}"))
