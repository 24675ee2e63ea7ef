"""An explanation in any form: the table of renderers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtra, SettingError, ShapeError, SizeError
from .cells import Index
from .facts import Explanation
from .picture import Picture, Story
from .stories import VIEWS
from .summary import Summary

if TYPE_CHECKING:
    from .layout import Scene

__all__ = ["RENDERERS", "THEMES", "Choice", "Renderer", "drawn", "render", "scenes", "story",
           "summary_text"]

THEMES = ("auto", "light", "dark")
MOST_STEPS = 100  # that are drawn one by one
SHARP = 24  # up to so many steps a GIF is drawn larger


@dataclass(frozen=True, slots=True)
class Choice:
    """What of an explanation is wanted.

    Args:
        view: a name in `VIEWS`.
        channel: of the result.
        cell: of the result, for the view "cell".
        step: only this step, counted from 0; by default all of it.
        theme: "light", "dark" or, where the reader's system can decide, "auto".
        colour: whether text has a terminal's colours.
    """

    view: str = "distribute"
    channel: int = 0
    cell: Index | None = None
    step: int | None = None
    theme: str = "auto"
    colour: bool = False


@dataclass(frozen=True, slots=True)
class Renderer:
    """One form: its file's suffix, what it is, and who makes it."""

    suffix: str
    says: str
    run: Callable[[Explanation, Choice], str | bytes]


def render(
    told: Explanation, view: str = "distribute", format: str = "text", *, channel: int = 0,
    cell: Sequence[int] | None = None, step: int | None = None, theme: str = "auto", colour: bool = False,
) -> str | bytes:
    """An explanation as text, JSON, SVG, HTML (strings), GIF or XLSX (bytes).

    Args:
        told: what to show.
        view: a name in `VIEWS`.
        format: a name in `RENDERERS`.
        channel, cell, step, theme, colour: as in `Choice`.

    Raises:
        SettingError: if there is no such view, form, theme or step.
        ShapeError: if there is no such cell or channel.
        SizeError: if there is too much to draw.
        MissingExtra: if the form needs a package that is not installed.

    >>> from tconv.geometry import Spec
    >>> told = Spec.of(kernel=(2,), stride=2).explain([1, 2])
    >>> print(render(told, "overlap"))
    Overlap: how many products meet
    How many products meet in each cell of the result, ends included. With a kernel that the stride
    divides the counts away from the ends are equal.
    <BLANKLINE>
      products that meet in each fine cell
       1  1  1  1
    <BLANKLINE>
    Away from the ends, taps by phase: axis 0 1:1. Every phase collects equally many: no checkerboard by
    construction.
    <BLANKLINE>
    """
    known("view", view, VIEWS)
    known("format", format, RENDERERS)
    known("theme", theme, THEMES)
    cell = None if cell is None else tuple(cell)
    return RENDERERS[format].run(told, Choice(view, channel, cell, step, theme, colour))


def known(name: str, value: str, names: Any) -> None:
    """Refuse what is not in a table."""
    if value not in names:
        raise SettingError(f"explain: {name} is {value!r}, but has to be one of {', '.join(names)}.")


def story(told: Explanation, choice: Choice) -> Story:
    """The view that was chosen."""
    if not 0 <= choice.channel < told.channels[1]:
        raise ShapeError(f"explain: channel is {choice.channel}, but the result has {told.channels[1]}; count from 0.")
    found = VIEWS[choice.view](told, choice.channel, choice.cell)
    if choice.step is None:
        return found
    if not 0 <= choice.step < found.steps:
        has = f"steps 0 to {found.steps - 1}" if found.steps else "no steps"
        raise SettingError(f"explain: step is {choice.step}, but the view {choice.view!r} has {has} here.")
    return Story(found.view, found.title, found.about, found.step(choice.step))


def scenes(found: Story) -> list[Scene]:
    """The still picture's scene if there are no steps, else every step's, all of one size.

    Raises:
        SizeError: if there are too many.
    """
    from .layout import framed, scene

    every = [found.step(number) for number in counted(found)] or [found.still]
    laid = [scene(one, found.title) for one in every]
    width = max(one.width for one in laid)
    laid = [scene(one, found.title, width=width) for one in every]
    return [framed(one, width, max(other.height for other in laid)) for one in laid]


def counted(found: Story) -> range:
    """The steps, if they are not too many."""
    if found.steps > MOST_STEPS:
        raise SizeError(f"explain: the view {found.view!r} has {found.steps:,} steps here, more than {MOST_STEPS}; "
                        "take smaller sizes, one step (--step), or the view 'summary'.")
    return range(found.steps)


def _text(told: Explanation, choice: Choice) -> str:
    from .text import text

    found = story(told, choice)
    counted(found)
    return text(found, colour=choice.colour)


def summary_text(facts: Summary, colour: bool = False) -> str:
    """The summary of a layer of any size, whose numbers nobody has made."""
    from .stories.summary import summary_story
    from .text import text

    return text(summary_story(facts), colour=colour)


def _json(told: Explanation, choice: Choice) -> str:
    return json.dumps(told.json(), allow_nan=False) + "\n"


def _svg(told: Explanation, choice: Choice) -> str:
    return drawn(story(told, choice), choice.theme)


def drawn(found: Story, theme: str = "auto", picture: Picture | None = None) -> str:
    """The still picture of a story, or another one of its pictures, as SVG."""
    from .layout import scene
    from .svg import svg

    shown = picture or found.still
    return svg(scene(shown, found.title), found.title, f"{found.about} {shown.caption}".strip(), theme=theme)


def _gif(told: Explanation, choice: Choice) -> bytes:
    from .theme import DARK, LIGHT

    paint = _extra("paint", "pillow", "explain")
    every = scenes(story(told, choice))
    return bytes(paint.gif(every, DARK if choice.theme == "dark" else LIGHT, 1.5 if len(every) <= SHARP else 1.0))


def _html(told: Explanation, choice: Choice) -> str:
    return str(_extra("page", "jinja2", "explain").page(told, choice))


def _xlsx(told: Explanation, choice: Choice) -> bytes:
    return bytes(_extra("spreadsheet", "openpyxl", "explain").xlsx(told))


def _extra(module: str, package: str, extra: str) -> Any:
    """A module of this room that needs a package of its own."""
    try:
        return import_module(f".{module}", __package__)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tconv"):
            raise
        raise MissingExtra("explain", package, extra) from None


RENDERERS: dict[str, Renderer] = {
    "text": Renderer("txt", "lines for a terminal", _text),
    "json": Renderer("json", "all facts of all views", _json),
    "svg": Renderer("svg", "a still picture that stands alone", _svg),
    "gif": Renderer("gif", "the steps as an animation", _gif),
    "html": Renderer("html", "a page with every view and its steps", _html),
    "xlsx": Renderer("xlsx", "a spreadsheet with live formulas", _xlsx),
}
