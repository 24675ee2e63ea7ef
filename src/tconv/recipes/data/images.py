"""The user's own pictures as grey 28x28 images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..pictures import picture, picture_files
from .digits import SIDE, Digits, parted

__all__ = ["grey", "greys", "image_digits", "small"]


def grey(path: Path, *, invert: bool = False) -> Array:
    """One picture as the network sees it: grey, 28x28, transparent parts black.

    Args:
        path: a picture in a format that Pillow reads.
        invert: make dark strokes on light paper into light strokes on black, as MNIST has them.

    Returns:
        uint8, shape `(28, 28)`.

    Raises:
        DataError: if the file is missing, or no picture that can be read whole.
        MissingExtra: without Pillow.
    """
    pixels = small(picture(path, "grey", paper="white" if invert else "black"))
    return 255 - pixels if invert else pixels


def small(pixels: Array) -> Array:
    """A grey picture `(H, W)` resized to `(28, 28)`, uint8."""
    from PIL import Image

    return np.array(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def greys(paths: Sequence[Path], *, invert: bool = False) -> Array:
    """Pictures as one stack, uint8, shape `(len(paths), 28, 28)`."""
    images = np.empty((len(paths), SIDE, SIDE), np.uint8)
    for number, path in enumerate(paths):
        images[number] = grey(path, invert=invert)
    return images


def image_digits(folder: Path) -> Digits:
    """All pictures in a folder and the folders in it; folders that are named 0, 1, 2, ... say what their pictures show.

    Raises:
        DataError: if there are none, too few, or one cannot be read.
    """
    try:
        paths = picture_files(folder)
    except DataError:
        raise DataError(f"{folder}: holds no images; put PNG or JPEG files there, MNIST's idx files, or "
                        "mnist.npz.") from None
    named = [path.parent.name for path in paths]
    labels = np.array(named, int) if all(name.isascii() and name.isdigit() for name in named) else None
    return parted(str(folder), greys(paths), f"{len(paths):,} pictures in {folder.name}", labels)
