"""Handwritten digits pasted on photographs: ten classes and a background, in colours that tell nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from .packages import installed_digits
from .photographs import photographs
from .scenes import Scene

__all__ = ["pasted", "pasted_scenes"]

FOR_VALIDATION = ("astronaut", "flower")  # photographs that no scene to train on has
INK = 128  # grey of a digit from which on a pixel is its


def pasted_scenes(part: str, count: int, size: tuple[int, int], seed: int = 0) -> list[Scene]:
    """Scenes with a few digits each, of MNIST's own parts and on photographs that are kept apart, too.

    Args:
        part: "train" or "test".
        count: of scenes.
        size: `(H, W)` of each.
        seed: of what lies where; other parts differ by themselves.

    Raises:
        DataError: if digits or photographs are not there, with how to get them.
    """
    digits, whole = installed_digits(), photographs()
    images, labels = getattr(digits, part), getattr(digits, f"{part}_labels")
    if labels is None:
        raise DataError(f"data: {digits.source} has no labels; pip install 'tconv[recipes]' for digits that have.")
    apart = [name for name in whole if (name in FOR_VALIDATION) == (part == "test")] or list(whole)
    draw = np.random.default_rng((seed, part == "test"))
    return [pasted(images, labels, [whole[name] for name in apart], size, draw) for _ in range(count)]


def pasted(images: Array, labels: Array, grounds: Sequence[Array], size: tuple[int, int],
           draw: np.random.Generator) -> Scene:
    """One scene: a crop of a photograph, a digit or so for each 56x56 pixels, one and a half times to twice as large.

    A digit's class is its number plus one; 0 is the background.
    """
    seen = np.array(_crop(grounds[int(draw.integers(len(grounds)))], size, draw))
    mask = np.zeros(size, np.uint8)
    for _ in range(max(1, size[0] * size[1] // 56**2)):
        which = draw.integers(len(images))
        ink = _resized(images[which], round(28 * draw.uniform(1.3, 2.0)))
        _paste(seen, mask, ink, int(labels[which]) + 1, draw)
    return Scene(seen, mask)


def _crop(picture: Array, size: tuple[int, int], draw: np.random.Generator) -> Array:
    missing = [(0, max(0, wanted - has)) for wanted, has in zip(size, picture.shape)]
    picture = np.pad(picture, [*missing, (0, 0)], "symmetric")
    top, left = (draw.integers(has - wanted + 1) for has, wanted in zip(picture.shape, size))
    return picture[top : top + size[0], left : left + size[1]]


def _paste(seen: Array, mask: Array, ink: Array, number: int, draw: np.random.Generator) -> None:
    """Lay a digit at a place drawn anew, where it covers no other; where there is no room it is left out."""
    for _ in range(8):
        top, left = (int(draw.integers(max(1, has - len(ink) + 1))) for has in mask.shape)
        here = slice(top, top + len(ink)), slice(left, left + len(ink))
        if not mask[here].any():
            ink = ink[: mask[here].shape[0], : mask[here].shape[1]]
            share = ink.astype(np.float32)[..., None] / 255
            seen[here] = np.uint8(np.rint(seen[here] * (1 - share) + _far(seen[here], draw) * share))
            mask[here][ink >= INK] = number
            return


def _far(ground: Array, draw: np.random.Generator) -> Array:
    """A colour that stands out: at least 90 of 255 away from the ground's mean in one of its parts."""
    mean = ground.mean(axis=(0, 1))
    colour = draw.integers(256, size=3)
    while np.abs(colour - mean).max() < 90:
        colour = draw.integers(256, size=3)
    return colour


def _resized(image: Array, side: int) -> Array:
    from PIL import Image

    return np.array(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
