"""A training as one HTML page that needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from ..errors import MissingExtra
from .curves import chart
from .facts import Pictures, RunFacts
from .pictures import png_url

__all__ = ["duration", "page", "ready"]


def ready() -> None:
    """Say early what a report will need.

    Raises:
        MissingExtra: without Jinja2 or Pillow.
    """
    for module, package in (("jinja2", "jinja2"), ("PIL", "pillow")):
        if find_spec(module) is None:
            raise MissingExtra("tconv.report", package, "recipes")


def page(facts: RunFacts, pictures: Pictures) -> str:
    """The report as HTML.

    Raises:
        MissingExtra: without Jinja2 or Pillow.
    """
    ready()
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = Environment(loader=PackageLoader("tconv.report"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    room.filters |= {"duration": duration, "times": times, "pairs": pairs, "one": one}
    pairs_of = {name: [(png_url(a), png_url(b)) for a, b in zip(*getattr(pictures, name), strict=True)]
                for name in ("first", "worst")}
    return room.get_template("run.html").render(facts=facts, chart=chart(facts.history), pictures=pairs_of)


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
