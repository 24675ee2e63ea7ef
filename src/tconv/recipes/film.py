"""The pictures that are kept of a training's epochs, and the film that they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..files import write_whole
from ..methods.channels import Array
from .pictures import gif, png

__all__ = ["FILM", "FRAMES", "SECONDS", "frames", "keep"]

FRAMES, FILM = "epochs", "epochs.gif"
SECONDS = 0.3  # that each epoch is seen


def keep(folder: Path, epoch: int, pixels: Array) -> None:
    """Write an epoch's picture, and the film of all so far anew, each whole.

    Args:
        folder: of the run.
        epoch: its number, from 1.
        pixels: uint8, of one shape in all epochs, `(H, W)` or `(H, W, 3)`.

    Raises:
        DataError: if they cannot be written.
    """
    write_whole(folder / FRAMES / f"{epoch:04}.png", png(pixels))
    write_whole(folder / FILM, gif(frames(folder), SECONDS))


def frames(folder: Path) -> list[Array]:
    """The pictures that a run has of its epochs, in order; none if there are none."""
    from PIL import Image

    return [np.array(Image.open(path)) for path in sorted((folder / FRAMES).glob("*.png"))]
