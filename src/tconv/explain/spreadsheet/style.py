"""How the workbook looks: named styles, so that whoever wants another look changes each in one place."""

from __future__ import annotations

from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side

from ..theme import LIGHT, mix

__all__ = ["dress", "hue", "tint"]

INK, QUIET = LIGHT.ink.lstrip("#"), LIGHT.quiet.lstrip("#")
CENTRE = Alignment(horizontal="center", vertical="center", shrink_to_fit=True)
WRAP = Alignment(horizontal="left", vertical="top", wrap_text=True)
LEFT = Alignment(horizontal="left", vertical="center")


def hue(name: str) -> str:
    """The theme's colour of a role, as spreadsheets write it."""
    return LIGHT.colour(name).lstrip("#")


def tint(name: str, share: float) -> str:
    """So much of a role's colour on white."""
    return mix(LIGHT.colour(name), LIGHT.ground, share).lstrip("#")


def _font(**kinds: Any) -> Font:
    return Font(name="Arial", **{"size": 10, "color": INK, **kinds})


def _fill(colour: str) -> PatternFill:
    return PatternFill("solid", fgColor=colour)


def _frame(colour: str, line: str = "thin") -> Border:
    side = Side(style=line, color=colour)
    return Border(left=side, right=side, top=side, bottom=side)


def _cell(name: str, colour: str, share: float) -> NamedStyle:
    return NamedStyle(name, font=_font(), fill=_fill(tint(colour, share)), border=_frame(hue(colour)),
                      alignment=CENTRE)


def _editable(name: str, colour: str) -> NamedStyle:
    return NamedStyle(name, font=_font(bold=True), fill=_fill("FFFBE6"),
                      border=_frame(hue(colour), "mediumDashed"), alignment=CENTRE)


def _styles() -> list[NamedStyle]:
    grids = [_cell(f"tconv {name}", name, 0.18) for name in ("coarse", "fine", "kernel")]
    strong = [NamedStyle(f"tconv {name} sum", font=_font(bold=True), fill=_fill(tint(name, 0.34)),
                         border=_frame(hue(name), "medium"), alignment=CENTRE) for name in ("coarse", "fine")]
    edits = [_editable(f"tconv {name} edit", name) for name in ("coarse", "fine", "kernel")]
    return [
        *grids, *strong, *edits,
        NamedStyle("tconv title", font=_font(size=18, bold=True), alignment=LEFT),
        NamedStyle("tconv heading", font=_font(size=13, bold=True), alignment=LEFT),
        NamedStyle("tconv label", font=_font(size=10, bold=True), alignment=LEFT),
        NamedStyle("tconv text", font=_font(size=11), alignment=WRAP),
        NamedStyle("tconv plain", font=_font(size=11), alignment=LEFT),
        NamedStyle("tconv index", font=_font(size=8, color=QUIET), alignment=CENTRE),
        NamedStyle("tconv link", font=_font(size=11, color=hue("coarse"), underline="single"), alignment=LEFT),
        NamedStyle("tconv check", font=_font(bold=True), alignment=LEFT),
        NamedStyle("tconv number", font=_font(), border=_frame(hue("plain")), alignment=CENTRE),
        NamedStyle("tconv count", font=_font(color=QUIET), border=_frame(hue("plain"), "hair"), alignment=CENTRE),
        NamedStyle("tconv added", font=_font(color=QUIET, italic=True), fill=_fill(tint("added", 0.25)),
                   border=_frame(hue("added"), "hair"), alignment=CENTRE),
        NamedStyle("tconv empty", font=_font(color=QUIET), border=_frame(hue("empty"), "hair"), alignment=CENTRE),
        NamedStyle("tconv crop", font=_font(color=QUIET, strike=True),
                   fill=PatternFill("lightUp", fgColor=hue("added"), bgColor="FFFFFF"),
                   border=_frame(hue("added"), "dashed"), alignment=CENTRE),
    ]


def dress(book: Workbook) -> None:
    """Give a workbook the named styles."""
    for style in _styles():
        book.add_named_style(style)
