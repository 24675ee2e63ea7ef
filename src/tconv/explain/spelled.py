"""A layer in a framework's own words, met by sizes."""

from __future__ import annotations

from typing import Any

from ..conventions import CONVENTIONS, parse
from ..geometry import problem_from_coarse
from .asked import Spelled

__all__ = ["spelled"]


def spelled(framework: str, text: str, sizes: tuple[int, ...], conv: bool) -> Spelled:
    """The layer that a line such as `Conv2DTranspose(64, 3, strides=2)` says.

    Raises:
        SettingError: if the line says no layer, or not one of the input's axes.
    """
    name, _, arguments = parse(f"{framework} {text}")
    row: Any = CONVENTIONS[name]
    spec = row.read(arguments, sizes)
    said = row.channels(arguments)
    return Spelled(problem_from_coarse(spec, sizes), False, (said.inputs or spec.groups, said.outputs or spec.groups))
