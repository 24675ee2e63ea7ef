"""A chart of the losses as lines, ticks and labels in the units of an SVG; the page's template draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..recipes.checkpoint import Epoch

__all__ = ["Chart", "Line", "chart"]

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 14, 40
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
MOST_MARKS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: `points` are `(x, y, epoch, value)`; `label_y` is where its name goes at the right."""

    name: str
    points: tuple[tuple[float, float, int, float], ...]
    label_y: float

    @property
    def path(self) -> str:
        """As an SVG polyline wants it."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines with ticks `(position, text)` on both axes, the losses on a logarithmic scale."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    marks: bool


def chart(history: Sequence[Epoch]) -> Chart:
    """Training and validation loss by epoch.

    >>> chart([Epoch(1, 0.2, 0.1, 1.0), Epoch(2, 0.1, 0.08, 1.0)]).lines[0].path
    '56.0,14.0 570.0,196.1'
    """
    values = [value for epoch in history for value in (epoch.loss, epoch.val_loss)]
    low, high = math.log(max(min(values), 1e-9)), math.log(max(max(values), 1e-9))
    low, high = (low, high) if high - low > 1e-6 else (low - 0.01, high + 0.01)
    count = len(history)

    def x(epoch: float) -> float:
        share = (epoch - 1) / (count - 1) if count > 1 else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (high - math.log(max(value, 1e-9))) / (high - low) * (HEIGHT - TOP - BOTTOM)

    lines = [(name, tuple((x(e.epoch), y(getattr(e, key)), e.epoch, getattr(e, key)) for e in history))
             for name, key in (("training", "loss"), ("validation", "val_loss"))]
    places = _apart([points[-1][1] for _, points in lines], 18)
    return Chart(
        WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM,
        lines=tuple(Line(name, points, place) for (name, points), place in zip(lines, places, strict=True)),
        across=tuple((x(epoch), str(epoch)) for epoch in _epochs(count)),
        up=tuple((y(value), f"{value:.4g}") for value in _ticks(math.exp(low), math.exp(high))),
        marks=count <= MOST_MARKS,
    )


def _epochs(count: int) -> tuple[int, ...]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, count) if count / step <= 10 or step >= count)
    return tuple(sorted({1, *range(step, count + 1, step)}))


def _ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in STEPS if low <= step * 10.0**decade <= high]
    if len(ticks) > 1:
        return ticks
    return [low + (high - low) * share for share in (0.0, 0.5, 1.0)]


def _apart(places: Sequence[float], least: float) -> list[float]:
    """Two labels, moved from one another until they do not touch."""
    first, second = places
    lack = least - abs(second - first)
    if lack <= 0:
        return [first, second]
    sign = 1 if second >= first else -1
    first, second = first - sign * lack / 2, second + sign * lack / 2
    down = max(0.0, max(first, second) - (HEIGHT - BOTTOM - 2))
    return [first - down, second - down]
