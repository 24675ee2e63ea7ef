"""What a notebook shows of an explanation, a setting, a layer."""

from __future__ import annotations

from html import escape

from ..errors import TconvError
from ..geometry import Problem, Spec
from .facts import Explanation, explain, explained
from .numbers import numbered
from .render import Choice, drawn, story
from .stories.summary import summary_story
from .summary import summarize

__all__ = ["CELLS", "explanation_html", "layer_html", "setting_html"]

CELLS = 3  # coarse cells along each axis of a setting that is shown by itself


def explanation_html(told: Explanation) -> str:
    """The stamps of a transposed convolution, the windows of a convolution; a table where these are too large."""
    try:
        return drawn(story(told, Choice("distribute" if told.transposed else "collect")))
    except TconvError:
        return drawn(summary_story(summarize(told.problem, told.transposed, told.channels)))


def setting_html(spec: Spec) -> str:
    """A setting on a few numbered cells, or in words where it gives these no result."""
    x = numbered((CELLS,) * spec.rank)[..., None].repeat(spec.groups, axis=-1)
    try:
        return explanation_html(explained(spec, x))
    except TconvError:
        return f"<code>{escape(repr(spec))}</code>"


def layer_html(said: str, problem: Problem, transposed: bool) -> str:
    """A layer's own words over its setting, on numbers that count up."""
    x = numbered(problem.coarse if transposed else problem.fine)[..., None].repeat(problem.groups, axis=-1)
    taps = numbered(problem.kernel)[..., None, None].repeat(problem.groups, axis=-1)
    told = explain(x, taps, problem=problem, transposed=transposed)
    return f"<div><code>{escape(said)}</code>{explanation_html(told)}</div>"
