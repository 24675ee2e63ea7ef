"""The words and colours of every picture, in one place: text, SVG, GIF, HTML, the spreadsheet, the studio, the pages.

The colours are Okabe and Ito's, which eyes with any colour vision tell apart; what they mean is always said or marked
in a second way as well.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "ROLES", "Palette", "Role", "mix"]


@dataclass(frozen=True, slots=True)
class Role:
    """What a cell is, in colours and in a mark.

    Args:
        says: for legends.
        light, dark: its colour on a light and on a dark page.
        mark: what is put around its number in plain text.
        terminal: its ANSI colour.
        soft: how much of its colour a box has.
    """

    says: str
    light: str
    dark: str
    mark: tuple[str, str] = (" ", " ")
    terminal: str = "39"
    soft: float = 0.13


ROLES: dict[str, Role] = {
    "coarse": Role("coarse", "#0072B2", "#56B4E9", terminal="34"),
    "kernel": Role("kernel", "#D55E00", "#E69F00", terminal="33"),
    "fine": Role("fine", "#009E73", "#2CC295", terminal="32"),
    "added": Role("added zero", "#9AA0A6", "#9AA0A6", terminal="90"),
    "crop": Role("cropped", "#9AA0A6", "#9AA0A6", mark=("(", ")"), terminal="90"),
    "empty": Role("nothing yet", "#C4C8CC", "#4A5058", terminal="90"),
    "plain": Role("", "#5F6368", "#A8ADB3"),
    "phase0": Role("phase a", "#CC79A7", "#E4A3C6", terminal="35", soft=0.24),
    "phase1": Role("phase b", "#A6871A", "#F0E442", terminal="33", soft=0.24),
    "phase2": Role("phase c", "#2E8FC9", "#7CC8F0", terminal="36", soft=0.24),
    "phase3": Role("phase d", "#7A5FD0", "#B5A3F0", terminal="34", soft=0.24),
}

PHASES = 4  # phase colours; further phases take them again, and carry their letters


@dataclass(frozen=True, slots=True)
class Palette:
    """A page: its ground, its ink, and which of a role's colours it takes."""

    name: str
    ground: str
    ink: str
    quiet: str

    def colour(self, role: str) -> str:
        """A role's colour on this page."""
        return str(getattr(ROLES[role], self.name))

    def soft(self, role: str) -> str:
        """A little of it on this page's ground."""
        return mix(self.colour(role), self.ground, ROLES[role].soft)

    def edge(self, role: str) -> str:
        """More of it, for a frame."""
        return mix(self.colour(role), self.ground, 0.55)

    def title(self, role: str) -> str:
        """The same, easy to read as text."""
        return mix(self.colour(role), self.ink, 0.7)

    def solid(self, role: str) -> str:
        """The same as a ground for text in the page's own colour."""
        return mix(self.colour(role), "#000000", 0.8) if self.name == "light" else self.colour(role)


LIGHT = Palette("light", ground="#FFFFFF", ink="#1F2328", quiet="#5F6368")
DARK = Palette("dark", ground="#16191D", ink="#E8EAED", quiet="#A8ADB3")


def mix(colour: str, ground: str, share: float) -> str:
    """So much of a colour on a ground, both as `#RRGGBB`.

    >>> mix("#000000", "#FFFFFF", 0.2)
    '#CCCCCC'
    """
    pairs = ((int(one[at:at + 2], 16) for one in (colour, ground)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(top * share + under * (1 - share)):02X}" for top, under in pairs)
