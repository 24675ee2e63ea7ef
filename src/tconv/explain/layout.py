"""Where everything in a picture goes, once for all painters: rectangles, texts and shades with coordinates."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .picture import Box, Item, Panel, Picture

__all__ = ["Mark", "Scene", "Shades", "Words", "framed", "scene"]

MARGIN = 20.0
CELL, GAP = 34.0, 4.0
SMALL = 26.0  # cells of panels with many columns
MANY = 12
PIXEL = 6.0  # of a raster
HEAD = 26.0  # for the panel's title
NUMBERS = 16.0  # for the numbers of rows and columns
BETWEEN = 16.0
WIDEST = 1000.0  # a line longer than this goes on in the next
NARROWEST = 420.0
LETTER = 0.56  # of the font size, an average letter's width


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell: a rounded rectangle and its text."""

    x: float
    y: float
    width: float
    height: float
    size: float
    box: Box


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text.

    Args:
        x, y: where it starts, or its middle; the height is that of its middle.
        text: the line.
        size: of the font.
        role: whose colour; "ink" and "quiet" are the page's.
        bold: its weight.
        anchor: "start" or "middle".
    """

    x: float
    y: float
    text: str
    size: float
    role: str = "ink"
    bold: bool = False
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Shades:
    """A raster: one square for each cell, 0 to 1."""

    x: float
    y: float
    pixel: float
    role: str
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to paint, on a page of this size."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    words: tuple[Words, ...]
    shades: tuple[Shades, ...] = ()

    def moved(self, x: float, y: float) -> Scene:
        """The same further right and down."""
        return replace(
            self, marks=tuple(replace(one, x=one.x + x, y=one.y + y) for one in self.marks),
            words=tuple(replace(one, x=one.x + x, y=one.y + y) for one in self.words),
            shades=tuple(replace(one, x=one.x + x, y=one.y + y) for one in self.shades))


def scene(picture: Picture, title: str = "", *, width: float = 0.0) -> Scene:
    """Lay a picture out: the title, the lines of panels, the caption.

    Args:
        picture: what to lay out.
        title: over all of it.
        width: at least this.
    """
    lines = [_line(items) for line in picture.lines for items in _broken(line)]
    wide = max(width, NARROWEST, *(line.width + 2 * MARGIN for line in lines), len(title) * 17 * LETTER + 2 * MARGIN)
    parts, y = [], MARGIN
    if title:
        parts.append(_text(title, 17, wide, bold=True).moved(MARGIN, y))
        y += parts[-1].height + 10
    for line in lines:
        parts.append(line.moved(MARGIN, y))
        y += line.height + BETWEEN
    if picture.caption:
        parts.append(_text(picture.caption, 14, wide).moved(MARGIN, y))
        y += parts[-1].height + 4
    return _joined(wide, y + MARGIN - (BETWEEN if lines and not picture.caption else 4), parts)


def framed(one: Scene, width: float, height: float) -> Scene:
    """The same on a larger page, so that all steps of a story have one size."""
    return replace(one, width=width, height=height)


def _joined(width: float, height: float, parts: list[Scene]) -> Scene:
    return Scene(width, height, *(tuple(one for part in parts for one in getattr(part, kind))
                                  for kind in ("marks", "words", "shades")))


def _text(text: str, size: float, wide: float, *, bold: bool = False) -> Scene:
    letters = max(20, int((wide - 2 * MARGIN) / (size * (LETTER if bold else 0.52))))
    lines = textwrap.wrap(text, letters)
    words = tuple(Words(0, (row + 0.5) * size * 1.4, line, size, bold=bold) for row, line in enumerate(lines))
    return Scene(wide, len(lines) * size * 1.4, (), words)


def _broken(line: tuple[Item, ...]) -> Iterator[tuple[Item, ...]]:
    """A line in pieces that are not too wide; a sign goes with the panel after it."""
    piece: list[Item] = []
    used = 0.0
    for at, item in enumerate(line):
        size = _item(item).width + BETWEEN
        after = line[at + 1] if isinstance(item, str) and at + 1 < len(line) else None
        need = size + (_item(after).width if after is not None else 0)
        if piece and used + need > WIDEST and not (at and isinstance(line[at - 1], str)):
            yield tuple(piece)
            piece, used = [], 0.0
        piece.append(item)
        used += size
    if piece:
        yield tuple(piece)


def _line(items: tuple[Item, ...]) -> Scene:
    """Panels and signs side by side, the middles of their grids at one height."""
    scenes = [_item(item) for item in items]
    above = [_above(item) for item in items]
    middles = [top + (one.height - top) / 2 for one, top in zip(scenes, above, strict=True)]
    middle, x, parts = max(middles), 0.0, []
    for one, own in zip(scenes, middles, strict=True):
        parts.append(one.moved(x, middle - own))
        x += one.width + BETWEEN
    return _joined(x - BETWEEN, max(middle - own + one.height for one, own in zip(scenes, middles, strict=True)), parts)


def _above(item: Item) -> float:
    """How much of an item's height is not its grid."""
    return 0.0 if isinstance(item, str) else HEAD * bool(item.title) + NUMBERS * (item.numbered and not item.raster)


def _item(item: Item) -> Scene:
    return _sign(item) if isinstance(item, str) else _panel(item)


def _sign(text: str) -> Scene:
    size = 22.0 if len(text) == 1 else 13.0
    width = max(18.0, len(text) * size * 0.52)
    return Scene(width, 28, (), (Words(width / 2, 14, text, size, "quiet", anchor="middle"),))


def _panel(panel: Panel) -> Scene:
    if panel.raster:
        return _raster(panel)
    widths, height, size = _columns(panel)
    left = NUMBERS if panel.numbered and len(panel.rows) > 1 else 0.0
    top = HEAD * bool(panel.title)
    words = [Words(left, HEAD / 2 - 3, panel.title, 13, panel.role, bold=True)] if panel.title else []
    if panel.numbered:
        words += _numbers(panel, widths, height, left, top)
        top += NUMBERS
    marks, x = [], left
    for column, width in enumerate(widths):
        marks += [Mark(x, top + row * (height + GAP), width, height, size, boxes[column])  # type: ignore[arg-type]
                  for row, boxes in enumerate(panel.rows) if boxes[column] is not None]
        x += width + GAP
    title = left + len(panel.title) * 13 * 0.6
    return Scene(max(x - GAP, title), top + len(panel.rows) * (height + GAP) - GAP, tuple(marks), tuple(words))


def _columns(panel: Panel) -> tuple[list[float], float, float]:
    """Each column's width, the rows' height and the font's size."""
    count = max(map(len, panel.rows), default=0)
    height, size = (SMALL, 12.0) if count > MANY or len(panel.rows) > MANY else (CELL, 15.0)
    if panel.ragged:
        texts = [[len(row[column].text) for row in panel.rows if row[column]] for column in range(count)]  # type: ignore[union-attr]
        return [max(column, default=0) * 13 * 0.56 + 20 for column in texts], SMALL, 13.0
    longest = max((len(box.text) for row in panel.rows for box in row if box), default=1)
    room = 22 if any(box.tag for row in panel.rows for box in row if box) else 12
    return [max(height, longest * size * 0.6 + room)] * count, height, size


def _numbers(panel: Panel, widths: list[float], height: float, left: float, top: float) -> list[Words]:
    words, x = [], left
    for column, width in enumerate(widths):
        words.append(Words(x + width / 2, top + NUMBERS / 2 - 1, str(column), 10, "quiet", anchor="middle"))
        x += width + GAP
    if left:
        words += [Words(left / 2 - 2, top + NUMBERS + row * (height + GAP) + height / 2, str(row), 10, "quiet",
                        anchor="middle") for row in range(len(panel.rows))]
    return words


def _raster(panel: Panel) -> Scene:
    rows = tuple(tuple(0.0 if box is None or box.shade is None else box.shade for box in row) for row in panel.rows)
    wide = max(map(len, rows), default=0)
    pixel = max(1.0, min(PIXEL, 320 / max(wide, len(rows), 1)))
    words = (Words(0, HEAD / 2 - 3, f"{panel.title}, {len(rows)}×{wide}", 13, panel.role, bold=True),)
    width = max(wide * pixel, len(words[0].text) * 13 * 0.6)
    return Scene(width, HEAD + len(rows) * pixel, (), words, (Shades(0, HEAD, pixel, panel.role, rows),))
