"""How the workbook looks: named styles, so that whoever wants another look changes each in one place."""

from __future__ import annotations

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


def _fill(colour: str) -> PatternFill:
    return PatternFill("solid", fgColor=colour)


def _frame(colour: str, line: str = "thin") -> Border:
    side = Side(style=line, color=colour)
    return Border(left=side, right=side, top=side, bottom=side)


def _cell(name: str, colour: str, share: float) -> NamedStyle:
    return NamedStyle(name, font=Font(color=INK), fill=_fill(tint(colour, share)), border=_frame(hue(colour)),
                      alignment=CENTRE)


def _editable(name: str, colour: str) -> NamedStyle:
    return NamedStyle(name, font=Font(color=INK, bold=True), fill=_fill("FFFBE6"),
                      border=_frame(hue(colour), "mediumDashed"), alignment=CENTRE)


def _styles() -> list[NamedStyle]:
    grids = [_cell(f"tconv {name}", name, 0.18) for name in ("coarse", "fine", "kernel")]
    strong = [NamedStyle(f"tconv {name} sum", font=Font(color=INK, bold=True), fill=_fill(tint(name, 0.34)),
                         border=_frame(hue(name), "medium"), alignment=CENTRE) for name in ("coarse", "fine")]
    edits = [_editable(f"tconv {name} edit", name) for name in ("coarse", "fine", "kernel")]
    return [
        *grids, *strong, *edits,
        NamedStyle("tconv title", font=Font(size=18, bold=True, color=INK), alignment=LEFT),
        NamedStyle("tconv heading", font=Font(size=13, bold=True, color=INK), alignment=LEFT),
        NamedStyle("tconv label", font=Font(size=10, bold=True, color=INK), alignment=LEFT),
        NamedStyle("tconv text", font=Font(size=11, color=INK), alignment=WRAP),
        NamedStyle("tconv plain", font=Font(size=11, color=INK), alignment=LEFT),
        NamedStyle("tconv index", font=Font(size=8, color=QUIET), alignment=CENTRE),
        NamedStyle("tconv link", font=Font(size=11, color=hue("coarse"), underline="single"), alignment=LEFT),
        NamedStyle("tconv check", font=Font(bold=True, color=INK), alignment=LEFT),
        NamedStyle("tconv number", font=Font(color=INK), border=_frame(hue("plain")), alignment=CENTRE),
        NamedStyle("tconv added", font=Font(color=QUIET, italic=True), fill=_fill(tint("added", 0.25)),
                   border=_frame(hue("added"), "hair"), alignment=CENTRE),
        NamedStyle("tconv empty", font=Font(color=QUIET), border=_frame(hue("empty"), "hair"), alignment=CENTRE),
        NamedStyle("tconv crop", font=Font(color=QUIET),
                   fill=PatternFill("lightUp", fgColor=hue("added"), bgColor="FFFFFF"),
                   border=_frame(hue("added"), "dashed"), alignment=CENTRE),
    ]


def dress(book: Workbook) -> None:
    """Give a workbook the named styles."""
    for style in _styles():
        book.add_named_style(style)
