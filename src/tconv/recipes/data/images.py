"""The user's own pictures as grey 28x28 images, with Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError, MissingExtra
from ...methods.channels import Array
from .digits import SIDE, Digits, parted

__all__ = ["KINDS", "grey", "greys", "image_digits"]

KINDS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")


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
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("tconv.recipes", "pillow", "recipes") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                whole = picture.convert("RGBA")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path}: cannot be read as a picture ({error}); give a whole PNG or JPEG file.") from None
    paper = Image.new("RGBA", whole.size, "white" if invert else "black")
    pixels = np.asarray(Image.alpha_composite(paper, whole).convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    return 255 - pixels if invert else pixels.copy()


def greys(paths: Sequence[Path], *, invert: bool = False) -> Array:
    """Pictures as one stack, uint8, shape `(len(paths), 28, 28)`."""
    images = np.empty((len(paths), SIDE, SIDE), np.uint8)
    for number, path in enumerate(paths):
        images[number] = grey(path, invert=invert)
    return images


def image_digits(folder: Path) -> Digits:
    """All pictures in a folder and the folders in it.

    Raises:
        DataError: if there are none, too few, or one cannot be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS and path.is_file())
    if not paths:
        raise DataError(f"{folder}: holds no images; put PNG or JPEG files there, MNIST's idx files, or mnist.npz.")
    return parted(str(folder), greys(paths), f"{len(paths):,} pictures in {folder.name}")
