"""A folder of colour pictures as squares of one size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import DataError, SizeError
from ...geometry.problem import MEMORY
from ...methods.channels import Array
from ..pictures import picture, picture_files

__all__ = ["squares"]

FEWEST = 70


def squares(folder: Path, side: int, *, paper: str = "white", limit: int | None = None) -> Array:
    """All pictures in a folder and the folders in it, in an order that is drawn once and for all.

    Args:
        folder: with pictures of any size and mode; what is longer than wide is cut to its middle, or the other way.
        side: pixels, >= 1.
        paper: the colour that transparent parts are laid on.
        limit: only so many; all if None.

    Returns:
        uint8, shape `(N, side, side, 3)`.

    Raises:
        DataError: if there are fewer than 70, or one cannot be read.
        SizeError: if they do not fit into memory.
    """
    paths = picture_files(folder)
    if len(paths) < FEWEST:
        raise DataError(f"{folder}: holds {len(paths)} pictures, but a training wants {FEWEST} or more.")
    if limit is not None and not FEWEST <= limit <= len(paths):
        raise DataError(f"limit: is {limit}, but has to lie between {FEWEST} and the {len(paths):,} pictures "
                        f"in {folder}.")
    paths = [paths[place] for place in np.random.default_rng(0).permutation(len(paths))[:limit]]
    need = len(paths) * 3 * side**2
    if need > MEMORY // 2:
        raise SizeError(f"{folder}: its {len(paths):,} pictures at {side}x{side} need {need / 2**30:,.1f} GiB; this "
                        f"machine has {MEMORY / 2**30:,.1f} GiB. Take a smaller --side, or --limit.")
    found = np.empty((len(paths), side, side, 3), np.uint8)
    for number, path in enumerate(paths):
        found[number] = _square(picture(path, "colour", paper=paper), side)
    return found


def _square(pixels: Array, side: int) -> Array:
    from PIL import Image, ImageOps

    return np.asarray(ImageOps.fit(Image.fromarray(pixels), (side, side), Image.Resampling.LANCZOS))
