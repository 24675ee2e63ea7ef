"""A chart of the losses as lines, ticks and labels in the units of an SVG; the page's template draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..recipes.checkpoint import Epoch

__all__ = ["Chart", "Line", "chart"]

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 52
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
MOST_MARKS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; `points` are `(x, y, epoch, value)`."""

    name: str
    points: tuple[tuple[float, float, int, float], ...]

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
    '62.0,14.0 704.0,191.0'
    """
    losses = [max(loss, 1e-9) for epoch in history for loss in (epoch.loss, epoch.val_loss)]
    ticks = _ticks(min(losses), max(losses))
    low, high = math.log(ticks[0]), math.log(max(*losses, ticks[-1]))
    count = len(history)

    def x(epoch: float) -> float:
        share = (epoch - 1) / (count - 1) if count > 1 else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (high - math.log(max(value, 1e-9))) / (high - low) * (HEIGHT - TOP - BOTTOM)

    lines = [(name, tuple((x(e.epoch), y(getattr(e, key)), e.epoch, getattr(e, key)) for e in history))
             for name, key in (("training", "loss"), ("validation", "val_loss"))]
    return Chart(
        WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM,
        lines=tuple(Line(name, points) for name, points in lines),
        across=tuple((x(epoch), str(epoch)) for epoch in _epochs(count)),
        up=tuple((y(value), f"{value:.4g}") for value in ticks),
        marks=count <= MOST_MARKS,
    )


def _epochs(count: int) -> tuple[int, ...]:
    steps = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, count)
    step = next(step for step in steps if count / step <= 10 or step >= count)
    return tuple(sorted({1, *range(step, count + 1, step)}))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, from one below the lowest loss up to the highest."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    rounds = [step * 10.0**decade for decade in decades for step in STEPS if step * 10.0**decade <= high]
    below = max(at for at, value in enumerate(rounds) if value <= low)
    if high > 1.3 * low:
        return rounds[below:]
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3)))
    first = math.floor(low / step)
    return [step * number for number in range(first, first + 2 + round((high - low) / step))]
