"""A training as one HTML page that needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from ..errors import MissingExtra
from ..recipes.recipe import Animation, Figure, Gallery, Plot, Section, Table
from .curves import Chart, chart, history_chart
from .facts import RunFacts
from .pictures import gif_url, png_url

__all__ = ["duration", "figure", "page", "ready"]


def ready() -> None:
    """Say early what a report will need.

    Raises:
        MissingExtra: without Jinja2 or Pillow.
    """
    for module, package in (("jinja2", "jinja2"), ("PIL", "pillow")):
        if find_spec(module) is None:
            raise MissingExtra("tconv.report", package, "recipes")


def page(facts: RunFacts, sections: Sequence[Section]) -> str:
    """The report as HTML.

    Args:
        facts: what is said.
        sections: pictures, plots and tables, in the order of the page.

    Raises:
        MissingExtra: without Jinja2 or Pillow.
    """
    ready()
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = Environment(loader=PackageLoader("tconv.report"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    room.filters |= {"duration": duration, "times": times, "pairs": pairs, "one": one, "figure": figure}
    curves = [(said, history_chart(facts.history, name, said)) for name, said in facts.metrics.items()
              if any(key in facts.history[-1].metrics for key in (name, f"val_{name}"))]
    drawn = [(type(section).__name__, section, DRAWN[type(section)](section)) for section in sections]
    return room.get_template("run.html").render(
        facts=facts, curves=curves, shown=[row for row in drawn if row[0] in ("Gallery", "Animation")],
        told=[row for row in drawn if row[0] not in ("Gallery", "Animation")])


def _plot(section: Plot) -> Chart:
    return chart(section.lines, x=section.x, y=section.y, log=section.log, dots=section.marks)


DRAWN: dict[type, Callable[[Any], Any]] = {
    Gallery: lambda section: [[png_url(pixels) for pixels in example] for example in section.shown],
    Animation: lambda section: gif_url(section.frames, section.seconds),
    Plot: _plot,
    Table: lambda section: section.rows,
}


def figure(value: float, told: Figure) -> str:
    """A figure of merit as it is written: `31.42 dB`."""
    return f"{value:,.{told.digits}f}{' ' if told.unit else ''}{told.unit}"


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(0.84), duration(75), duration(3720)
    ('0.8 s', '1 min 15 s', '1 h 02 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def times(shape: Iterable[int]) -> str:
    """A shape as sizes with crosses between: `26×26×32`."""
    return "×".join(map(str, shape))


def one(values: Iterable[object]) -> str:
    """One value if all axes have the same, else all: `2`, or `2×1`."""
    values = tuple(values)
    return str(values[0]) if len(set(values)) == 1 else "×".join(map(str, values))


def pairs(crop: Iterable[tuple[int, int]]) -> str:
    """A crop by axis: one number where all ends have the same."""
    crop = tuple(crop)
    ends = {end for pair in crop for end in pair}
    if len(ends) == 1:
        return str(ends.pop())
    said = [f"{lo}, {hi}" for lo, hi in crop]
    return said[0] if len(set(said)) == 1 else "; ".join(said)
