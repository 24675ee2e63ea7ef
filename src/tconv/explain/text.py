"""Pictures as text: aligned, marked so that nothing depends on colour, and with every step in a sentence."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .picture import Box, Item, Panel, Picture, Story
from .theme import ROLES

__all__ = ["text"]

WIDTH = 100  # letters in a line of words
WIDEST = 118  # letters in a line of panels
STEEP = " ░▒▓█"
BOTH = ("{", "}")  # cropped, and what this step is about


def text(story: Story, *, steps: bool = True, colour: bool = False) -> str:
    """A story as lines.

    Args:
        story: what to tell.
        steps: whether each step is told, or only the whole.
        colour: whether to add a terminal's colours.
    """
    shown = [story.step(number) for number in range(story.steps if steps else 0)]
    parts = [_bold(story.title, colour), *_wrapped(story.about), "", *_picture(story.still, colour)]
    for number, one in enumerate(shown, start=1):
        parts += ["", *_wrapped(f"{number}. {one.caption}"), "", *_picture(Picture(one.lines), colour)]
    legend = _legend([story.still, *shown])
    return "\n".join(parts).rstrip() + (f"\n\n{legend}" if legend else "") + "\n"


def _legend(pictures: list[Picture]) -> str:
    """What the marks that were used mean."""
    boxes = [box for picture in pictures for line in picture.lines for item in line if isinstance(item, Panel)
             if not item.raster for row in item.rows for box in row if box]
    used = {
        "[ ] this step is about it": any(box.strong for box in boxes),
        "( ) cropped": any(box.role == "crop" for box in boxes),
        "{ } both": any(box.role == "crop" and box.strong for box in boxes),
        ". an added zero": any(_shown(box) == "." for box in boxes),
        "_ nothing yet": any(_shown(box) == "_" for box in boxes),
    }
    return "; ".join(says for says, found in used.items() if found)


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH)


def _bold(words: str, colour: bool) -> str:
    return f"\033[1m{words}\033[0m" if colour else words


def _picture(picture: Picture, colour: bool) -> list[str]:
    lines: list[str] = []
    for row in picture.lines:
        for items in _broken(row):
            lines += [*_line(items, colour), ""]
    return [*lines, *_wrapped(picture.caption)] if picture.caption else lines[:-1]


def _broken(line: tuple[Item, ...]) -> Iterator[tuple[Item, ...]]:
    """A line in pieces that a page is wide enough for; a sign goes with what follows."""
    piece: list[Item] = []
    used = 0
    for at, item in enumerate(line):
        after = line[at + 1] if isinstance(item, str) and at + 1 < len(line) else None
        need = _width(item) + 3 + (_width(after) + 3 if after is not None else 0)
        if piece and used + need > WIDEST and not (at and isinstance(line[at - 1], str)):
            yield tuple(piece)
            piece, used = [], 0
        piece.append(item)
        used += _width(item) + 3
    if piece:
        yield tuple(piece)


def _width(item: Item) -> int:
    if isinstance(item, str):
        return len(item)
    return max(len(_title(item)), sum(_columns(item)) + (0 if item.raster else 2 * len(_columns(item))))


def _line(items: tuple[Item, ...], colour: bool) -> list[str]:
    """Panels and signs side by side; a sign stands beside the middle row."""
    height = max(len(item.rows) if isinstance(item, Panel) else 1 for item in items)
    blocks = [_sign(item, height) if isinstance(item, str) else _panel(item, height, colour) for item in items]
    widths = [_width(item) for item in items]
    rows = range(height + 1)
    return ["  " + "  ".join(pad(block[row], width) for block, width in zip(blocks, widths, strict=True)).rstrip()
            for row in rows if any(block[row].strip() for block in blocks)]


def pad(words: str, width: int) -> str:
    """Words and blanks, `width` letters in all; a terminal's colours take no room."""
    shown, inside = 0, False
    for letter in words:
        inside = inside or letter == "\033"
        shown += not inside
        inside = inside and letter != "m"
    return words + " " * (width - shown)


def _sign(sign: str, height: int) -> list[str]:
    lines = [""] * (height + 1)
    lines[1 + (height - 1) // 2] = sign
    return lines


def _title(panel: Panel) -> str:
    return f"{panel.title}, {len(panel.rows)}×{len(panel.rows[0])}" if panel.raster else panel.title


def _panel(panel: Panel, height: int, colour: bool) -> list[str]:
    widths = _columns(panel)
    above = (height - len(panel.rows)) // 2
    rows = [_row(row, widths, panel, colour) for row in panel.rows]
    title = _painted(_title(panel), panel.role, colour)
    lines = [*[""] * above, title, *rows]
    return lines + [""] * (height + 1 - len(lines))


def _columns(panel: Panel) -> list[int]:
    if panel.raster:
        return [2] * max(map(len, panel.rows), default=0)
    count = max(map(len, panel.rows), default=0)
    own = [max((len(_shown(row[column])) for row in panel.rows), default=1) for column in range(count)]
    return own if panel.ragged else [max(own, default=1)] * count


def _row(row: tuple[Box | None, ...], widths: list[int], panel: Panel, colour: bool) -> str:
    if panel.raster:
        return "".join(STEEP[min(4, int((box.shade or 0) * 5))] * 2 for box in row if box)
    return "".join(_cell(box, width, panel.ragged, colour) for box, width in zip(row, widths, strict=True))


def _shown(box: Box | None) -> str:
    if box is None:
        return ""
    return {"added": "." if box.text == "0" else box.text, "empty": box.text or "_"}.get(box.role, box.text) + box.tag


def _cell(box: Box | None, width: int, ragged: bool, colour: bool) -> str:
    """One cell with its marks, which take the place of the blanks beside it."""
    shown = _shown(box)
    if ragged or box is None:
        return shown.ljust(width + 2)
    before, after = ROLES[box.role].mark
    if box.strong:
        before, after = BOTH if box.role == "crop" else ("[", "]")
    cell = f"{before}{shown.rjust(width)}{after}"[:width + 2]
    return _painted(cell, box.role, colour, strong=box.strong)


def _painted(words: str, role: str, colour: bool, *, strong: bool = False) -> str:
    if not colour or not words:
        return words
    return f"\033[{'1;7;' if strong else ''}{ROLES[role].terminal}m{words}\033[0m"
