"""Grey images as PNG, alone and side by side."""

from __future__ import annotations

import base64
import io

import numpy as np

from ..errors import MissingExtra
from ..methods.channels import Array

__all__ = ["png", "png_url", "sheet"]


def png(pixels: Array) -> bytes:
    """A PNG file of uint8 pixels, shape `(H, W)`."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("tconv.report", "pillow", "recipes") from None
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "PNG", optimize=True)
    return content.getvalue()


def png_url(pixels: Array) -> str:
    """The same as a `data:` address, to stand inside a page."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def sheet(above: Array, below: Array, *, scale: int = 4, gap: int = 1) -> Array:
    """Two stacks as two rows of one picture, each pixel `scale` wide.

    Args:
        above: uint8, shape `(N, H, W)`.
        below: uint8, shape `(N, H, W)`.
        scale: screen pixels for each pixel, >= 1.
        gap: pixels between images.

    Returns:
        uint8, shape `((2 * H + gap) * scale, (N * (W + gap) - gap) * scale)`.

    >>> sheet(np.zeros((3, 2, 2), np.uint8), np.zeros((3, 2, 2), np.uint8), scale=1).shape
    (5, 8)
    """
    rows = [np.pad(stack, ((0, 0), (0, 0), (0, gap)), constant_values=128) for stack in (above, below)]
    wide = [np.concatenate(list(row), axis=1)[:, : row.shape[0] * row.shape[2] - gap] for row in rows]
    between = np.full((gap, wide[0].shape[1]), 128, np.uint8)
    return np.kron(np.concatenate([wide[0], between, wide[1]]), np.ones((scale, scale), np.uint8))
