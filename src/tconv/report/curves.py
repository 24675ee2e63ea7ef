"""A chart as lines, dots, ticks and labels in the units of an SVG; the page's template draws it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..recipes.checkpoint import Epoch

__all__ = ["Chart", "Line", "chart", "history_chart"]

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 52
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
ROUND = (1, 2, 2.5, 5, 10)
MOST_MARKS = 60
LEAST = 1e-9  # what a logarithmic axis draws for zero
Values = Sequence[float]
Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; `points` are `(across, up, x, y)`: where it is drawn, and the values."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]

    @property
    def path(self) -> str:
        """As an SVG polyline wants it."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines and single dots, with ticks `(position, text)` on both axes."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    lines: tuple[Line, ...]
    dots: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    x: str
    y: str
    marks: bool


def chart(lines: Mapping[str, tuple[Values, Values]], *, x: str, y: str, log: str = "",
          dots: Mapping[str, tuple[float, float]] | None = None, whole: bool = False) -> Chart:
    """Lines over one axis.

    Args:
        lines: name to `(x values, y values)`.
        x: what goes across, in words.
        y: what goes up.
        log: which of the axes are logarithmic: "", "x", "y" or "xy".
        dots: name to `(x, y)`.
        whole: whether the x values are counts from 1, so that only whole numbers are ticks.

    >>> chart({"a": ((0, 1), (0.0, 1.0))}, x="", y="").lines[0].path
    '62.0,248.0 704.0,14.0'
    """
    dots = dots or {}
    xs = [value for across, _ in lines.values() for value in across] + [a for a, _ in dots.values()]
    ys = [value for _, up in lines.values() for value in up] + [b for _, b in dots.values()]
    x_ticks = _counts(int(max(xs))) if whole else _ticks(xs, "x" in log)
    y_ticks = _ticks(ys, "y" in log)
    go = _scale([*x_ticks, *xs] if not whole else xs, "x" in log, LEFT, WIDTH - RIGHT)
    rise = _scale([*y_ticks, *ys], "y" in log, HEIGHT - BOTTOM, TOP)
    placed = {name: tuple((go(a), rise(b), a, b) for a, b in zip(*pair, strict=True)) for name, pair in lines.items()}
    return Chart(
        WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM,
        lines=tuple(Line(name, points) for name, points in placed.items()),
        dots=tuple(Line(name, ((go(a), rise(b), a, b),)) for name, (a, b) in dots.items()),
        across=tuple((go(value), _said(value)) for value in x_ticks),
        up=tuple((rise(value), _said(value)) for value in y_ticks),
        x=x, y=y, marks=max(map(len, placed.values()), default=0) <= MOST_MARKS,
    )


def history_chart(history: Sequence[Epoch], name: str, said: str) -> Chart:
    """One metric by epoch, training and validation; losses on a logarithmic scale.

    >>> history_chart([Epoch(1, {"loss": 0.2, "val_loss": 0.1}, 1.0), Epoch(2, {"loss": 0.1, "val_loss": 0.08}, 1.0)],
    ...               "loss", "cross-entropy").lines[1].path
    '62.0,14.0 704.0,191.0'
    """
    names = [("validation", f"val_{name}"), ("training", name)]
    lines = {line: ([e.epoch for e in rows], [e.metrics[key] for e in rows])
             for line, key in names if (rows := [epoch for epoch in history if key in epoch.metrics])}
    return chart(lines, x="epoch", y=said, log="y" if name.endswith("loss") else "", whole=True)


def _scale(values: Values, log: bool, start: float, end: float) -> Scale:
    def at(value: float) -> float:
        return math.log(max(value, LEAST)) if log else value

    low, high = at(min(values)), at(max(values))
    if low == high:
        return lambda _: (start + end) / 2
    return lambda value: start + (at(value) - low) / (high - low) * (end - start)


def _counts(count: int) -> list[float]:
    steps = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, count)
    step = next(step for step in steps if count / step <= 10 or step >= count)
    return sorted({1, *range(step, count + 1, step)})


def _ticks(values: Values, log: bool) -> list[float]:
    low, high = min(values), max(values)
    return _log_ticks(max(low, LEAST), max(high, LEAST)) if log else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    """Round numbers at equal distances, from at or below the lowest to at or above the highest."""
    span = high - low or abs(high) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in ROUND if span / (size * factor) <= 5)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [step * number for number in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers, from one below the lowest up to the highest."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    many = math.log10(high / low) > 2
    rounds = [step * 10.0**decade for decade in decades for step in ((1,) if many else STEPS)
              if step * 10.0**decade <= high]
    below = max((at for at, value in enumerate(rounds) if value <= low), default=0)
    if high > 1.3 * low:
        return rounds[below:]
    return _even_ticks(low, high)


def _said(value: float) -> str:
    return f"{value + 0.0:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
