"""Another kind of upsampling in a transposed convolution's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingError
from .mendable import Mendable, Patient

__all__ = ["KINDS", "Exchange", "Exchanged", "exchange"]

KINDS = {
    "subpixel": "a convolution and a pixel shuffle, equal in every sample",
    "resize": "nearest resizing and a convolution, which prints no pattern on flat input, as near as such a pair comes",
}
"""What a transposed convolution can be replaced by."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is wanted in a layer's place: a name in `KINDS`."""

    kind: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingError(f"repair: replace is {self.kind!r}, but has to be one of {', '.join(KINDS)}.")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A layer that was replaced.

    Args:
        where: the place that it had.
        kind: a name in `KINDS`.
        rest: length of what of the kernel the new layers cannot say, over the kernel's length; 0 where they are equal.
        cost: multiply-adds, after over before.
    """

    where: str
    kind: str
    rest: float
    cost: float


def exchange(model: Mendable, patients: Sequence[Patient], wanted: Exchange) -> tuple[Exchanged, ...]:
    """Replace layers.

    Raises:
        UnsupportedError: if the model is of a kind in which layers are not replaced, or has no words for the new ones.
    """
    return tuple(Exchanged(one.where, wanted.kind, *model.exchange(one.where, wanted.kind)) for one in patients)
