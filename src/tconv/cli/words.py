"""What people type and see: lists of numbers, sizes, consoles."""

from __future__ import annotations

from rich.console import Console

from ..errors import SettingError

__all__ = ["err", "numbers", "out", "sizes"]

MOST_ROWS_WIDE = 120


def out() -> Console:
    """Results go here; as wide as the terminal, or as a page where there is none."""
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=MOST_ROWS_WIDE)


def err() -> Console:
    """Progress and remarks go here."""
    console = Console(stderr=True, highlight=False)
    return console if console.is_terminal else Console(stderr=True, highlight=False, width=MOST_ROWS_WIDE)


def numbers(name: str, text: str | None) -> tuple[int, ...] | None:
    """Whole numbers with commas between.

    Raises:
        SettingError: if it is something else.

    >>> numbers("filters", "32,16,8")
    (32, 16, 8)
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingError(f"{name}: is {text!r}, but has to be whole numbers with commas between, as in "
                           "32,16,8.") from None


def sizes(name: str, text: str | None) -> tuple[int, ...] | None:
    """Sizes with an x between.

    Raises:
        SettingError: if it is something else.

    >>> sizes("coarse", "7x7")
    (7, 7)
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise SettingError(f"{name}: is {text!r}, but has to be sizes with an x between, as in 7x7.") from None
