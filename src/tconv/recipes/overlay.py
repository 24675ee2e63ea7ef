"""Classes drawn: colours that stay apart for everyone's eyes, and masks laid over pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..methods.channels import Array

__all__ = ["APART", "coloured", "differences", "fullest", "outlines", "overlay", "rgb"]

# The least distance (CIELAB) of any two, of black and of white is 31 for common sight, and for sight without the red,
# the green or the blue cones (Machado et al. 2009); of the best-known palettes of ten it is about 16.
APART = ("#e1782d", "#0000ff", "#ffd200", "#69ff96", "#e13cff", "#960000", "#a596d2", "#5aa578", "#692d96", "#871e5a")
TINT = 0.55
MISSED, EXTRA, MIXED = "#ffd200", "#e13cff", "#ffffff"
LUMINANCE = 0.299, 0.587, 0.114


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour as `#rrggbb` to its three parts.

    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def coloured(mask: Array, colours: Sequence[str]) -> Array:
    """Class numbers `(H, W)` to a picture `(H, W, 3)`, each class in its colour."""
    return np.array([rgb(colour) for colour in colours], np.uint8)[mask]


def outlines(mask: Array) -> Array:
    """Whether a pixel's class differs from that of the pixel below it or to its right, or above it or to its left.

    >>> outlines(np.array([[0, 0, 1]])).tolist()
    [[False, True, True]]
    """
    edge = np.zeros(mask.shape, bool)
    for axis in (0, 1):
        differs = np.diff(mask.astype(np.int16), axis=axis) != 0
        edge |= np.pad(differs, [(0, int(axis == each)) for each in (0, 1)])
        edge |= np.pad(differs, [(int(axis == each), 0) for each in (0, 1)])
    return edge


def overlay(picture: Array, mask: Array, colours: Sequence[str]) -> Array:
    """A picture `(H, W)` or `(H, W, 3)` with every class but the first tinted, and outlined in its full colour.

    What is tinted loses its own colours, so that the same class looks the same everywhere.
    """
    grey = picture if picture.ndim == 2 else picture @ np.array(LUMINANCE)
    seen = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    paint, inside = coloured(mask, colours), mask[..., None] > 0
    tinted = np.uint8(np.rint(grey[..., None] * (1 - TINT) + paint * TINT))
    return np.where(inside & outlines(mask)[..., None], paint, np.where(inside, tinted, seen))


def fullest(marked: Array, side: int) -> tuple[slice, slice]:
    """The square with the most marked pixels; the whole axis where that is shorter.

    >>> fullest(np.eye(4) * [0, 0, 1, 1] > 0, 2)
    (slice(2, 4, None), slice(2, 4, None))
    """
    sums = np.pad(marked.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = (min(side, size) for size in marked.shape)
    within = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(within.argmax(), within.shape)
    return slice(int(top), int(top) + height), slice(int(left), int(left) + width)


def differences(picture: Array, true: Array, found: Array) -> Array:
    """The picture, with a colour for what was missed, one for what is too much, and one for a wrong class."""
    kind = np.where(true == found, 0, np.where(found == 0, 1, np.where(true == 0, 2, 3)))
    return overlay(picture, kind.astype(np.uint8), ("#000000", MISSED, EXTRA, MIXED))
