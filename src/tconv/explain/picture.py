"""What every drawing is made of: panels of boxes in rows, with words; text, SVG, GIF and HTML only paint them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from ..errors import SizeError
from ..methods.channels import Array
from .cells import Index, Number

__all__ = ["LARGEST_PANEL", "LARGEST_RASTER", "Box", "Item", "Panel", "Picture", "Story", "channel_panels", "panels",
           "said", "sentence", "table"]

LARGEST_PANEL = 24  # rows or columns that are written out; larger ones are shown as shades
LARGEST_RASTER = 512  # rows or columns that are shown at all


@dataclass(frozen=True, slots=True)
class Box:
    """One cell of a panel.

    Args:
        text: what it shows.
        role: a key of `ROLES`.
        strong: whether this step is about it.
        shade: 0 to 1, how strongly it is coloured; None as its role has it.
        tag: a letter in its corner.
    """

    text: str
    role: str = "plain"
    strong: bool = False
    shade: float | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A grid of boxes under a title.

    Args:
        title: what it is.
        role: whose colour the title has.
        rows: boxes, row by row; None where nothing is drawn.
        numbered: whether rows and columns carry their numbers.
        ragged: whether each column is as wide as its own text, as in a table.
        raster: whether the boxes are shades without text.
    """

    title: str
    role: str
    rows: tuple[tuple[Box | None, ...], ...]
    numbered: bool = False
    ragged: bool = False
    raster: bool = False


Item = Panel | str


@dataclass(frozen=True, slots=True)
class Picture:
    """Panels and signs between them, line by line, with a caption that says the same in words."""

    lines: tuple[tuple[Item, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Story:
    """One view: a still picture that shows all of it, and the steps that lead there.

    Args:
        view: its name.
        title: one line.
        about: a sentence or two on what this view is.
        still: everything at once.
        steps: how many steps there are.
        step: the picture of one step, counted from 0.
    """

    view: str
    title: str
    about: str
    still: Picture
    steps: int = 0
    step: Callable[[int], Picture] = field(default=lambda number: Picture(()))


def said(number: Number) -> str:
    """A number as it is written in a box: whole ones whole, others with four digits.

    >>> said(3), said(-0.0), said(0.125), said(2.0)
    ('3', '0', '0.125', '2')
    """
    return str(number) if isinstance(number, int) else f"{number + 0.0:.4g}"


def sentence(index: Sequence[int]) -> str:
    """An index in brackets.

    >>> sentence((1, 2)), sentence((3,))
    ('(1, 2)', '(3)')
    """
    return f"({', '.join(map(str, index))})"


Roles = str | Callable[[Index], str]


def panels(
    title: str, values: Array, role: str, *, roles: Roles | None = None, strong: Collection[Index] = (),
    texts: Callable[[Index], str] | None = None, numbered: bool = False,
    shades: Array | None = None, tags: Callable[[Index], str] | None = None,
) -> tuple[Panel, ...]:
    """An array of one, two or three axes as panels: a row, a grid, or one grid for each index of the first axis.

    Args:
        title: over the first panel; others add their index.
        values: shape of the sizes, without channels.
        role: the title's, and the boxes' where `roles` says no other.
        roles: what each cell is, one name for all or by index.
        strong: indices that this step is about.
        texts: what each cell shows; by default its number.
        numbered: whether rows and columns carry their numbers.
        shades: 0 to 1 for each cell.
        tags: a letter for each cell.

    Raises:
        SizeError: if there are more axes or cells than can be drawn.
    """
    if values.ndim > 3 or max(values.shape[-2:], default=0) > LARGEST_RASTER:
        raise SizeError(f"explain: {title} has sizes {values.shape}; 1 to 3 axes of at most {LARGEST_RASTER} samples "
                        "can be drawn. Take smaller ones, or the view 'summary'.")
    raster = max(values.shape[-2:], default=0) > LARGEST_PANEL

    def box(index: Index) -> Box:
        kind = (roles(index) if callable(roles) else roles) or role
        shade = None if shades is None else float(shades[index])
        text = texts(index) if texts else said(values[index].item())
        return Box(text, kind, index in strong, shade, tags(index) if tags else "")

    if raster and shades is None:
        shades = _shades(values)
    heads = product(*map(range, values.shape[:-2]))
    return tuple(
        Panel(_titled(title, head), role, tuple(
            tuple(box((*head, *row, column)) for column in range(values.shape[-1]))
            for row in np.ndindex(values.shape[-2:-1])
        ), numbered, raster=raster)
        for head in heads
    )


def _titled(title: str, head: Index) -> str:
    return f"{title}, depth {head[0]}" if head else title


def _shades(values: Array) -> Array:
    spread = float(np.ptp(values)) if values.size else 0.0
    return (values - values.min()) / spread if spread else np.full(values.shape, 0.5)


def channel_panels(title: str, values: Array, role: str, channels: Sequence[int] | None = None,
                   **more: Any) -> tuple[Panel, ...]:
    """The channels of an array `(*sizes, C)` as panels, those that are named."""
    chosen = range(values.shape[-1]) if channels is None else channels
    many = values.shape[-1] > 1
    return tuple(panel for channel in chosen
                 for panel in panels(f"{title}, channel {channel}" if many else title, values[..., channel], role,
                                     **more))


def table(title: str, rows: Sequence[Sequence[str]], role: str = "plain") -> Panel:
    """Words in columns."""
    return Panel(title, role, tuple(tuple(Box(text) for text in row) for row in rows), ragged=True)
