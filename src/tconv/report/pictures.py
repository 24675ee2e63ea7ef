"""Pictures for a page and for files: inside an address, side by side, one after another."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from ..methods.channels import Array
from ..recipes.pictures import gif, png

__all__ = ["gif_url", "png", "png_url", "sheet"]


def png_url(pixels: Array) -> str:
    """A PNG as a `data:` address, to stand inside a page."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def gif_url(frames: Sequence[Array], seconds: float) -> str:
    """Pictures that follow one another without end as a `data:` address; the last one stays a little longer.

    Args:
        frames: uint8, all of one shape, `(H, W)` or `(H, W, 3)`.
        seconds: that each is shown.
    """
    return "data:image/gif;base64," + base64.b64encode(gif(frames, seconds)).decode()


def sheet(*rows: Array, scale: int = 4, gap: int = 1) -> Array:
    """Stacks of images as the rows of one picture, each pixel `scale` wide.

    Args:
        rows: uint8, shape `(N, H, W)` or `(N, H, W, 3)` each.
        scale: screen pixels for each pixel, >= 1.
        gap: pixels between images.

    Returns:
        uint8, shape `((R * (H + gap) - gap) * scale, (N * (W + gap) - gap) * scale)` for R rows.

    >>> sheet(np.zeros((3, 2, 2), np.uint8), np.zeros((3, 2, 2), np.uint8), scale=1).shape
    (5, 8)
    """
    count, height, width, *colours = rows[0].shape
    whole = np.full((len(rows) * (height + gap) - gap, count * (width + gap) - gap, *colours), 128, np.uint8)
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            top, left = down * (height + gap), across * (width + gap)
            whole[top : top + height, left : left + width] = image
    return whole.repeat(scale, axis=0).repeat(scale, axis=1)
