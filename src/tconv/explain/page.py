"""An explanation as one HTML page that needs nothing else: every view, its steps, the facts."""

from __future__ import annotations

import json

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..errors import SizeError
from .facts import Explanation
from .layout import framed, scene
from .picture import Picture, Story
from .render import MOST_STEPS, Choice, story
from .stories import VIEWS
from .summary import crosses
from .svg import styles, svg

__all__ = ["page"]


def page(told: Explanation, choice: Choice) -> str:
    """The page, opened at the chosen view.

    Raises:
        SizeError: if the chosen view is too large to draw; others that are too large are left out.
    """
    story(told, choice)
    room = Environment(loader=PackageLoader("tconv.explain"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    views = [view for name in VIEWS if (view := _view(told, Choice(name, choice.channel, choice.cell), choice))]
    before, after = told.sizes
    what = "Transposed convolution" if told.transposed else "Convolution"
    return room.get_template("explain.html").render(
        title=f"{what}, {crosses(before)} to {crosses(after)}", views=views, chosen=choice.view, theme=choice.theme,
        styles=Markup(styles(choice.theme)), facts=Markup(_facts(told)))


def _facts(told: Explanation) -> str:
    """The facts as JSON that cannot end the element it stands in."""
    return json.dumps(told.json(), allow_nan=False).replace("<", "\\u003c")


def _view(told: Explanation, mine: Choice, wanted: Choice) -> dict[str, object] | None:
    try:
        found = story(told, mine)
        if found.steps > MOST_STEPS:
            found = Story(found.view, found.title, found.about, found.still)
    except SizeError:
        if mine.view == wanted.view:
            raise
        return None
    steps = [found.step(number) for number in range(found.steps)]
    laid = [scene(one) for one in steps]
    width, height = max((one.width for one in laid), default=0), max((one.height for one in laid), default=0)
    frames = [Markup(svg(framed(scene(one, width=width), width, height), f"Step {number}", one.caption, theme=None))
              for number, one in enumerate(steps, start=1)]
    return {"name": found.view, "title": found.title, "about": found.about, "still": _still(found.still, found),
            "frames": frames}


def _still(picture: Picture, found: Story) -> Markup:
    return Markup(svg(scene(picture), found.title, f"{found.about} {picture.caption}".strip(), theme=None))
