"""Picture files in and out, with Pillow: any size and mode to uint8 arrays, whole or refused with a sentence."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, MissingExtra
from ..methods.channels import Array

__all__ = ["KINDS", "MODES", "gif", "laid_on", "picture", "picture_files", "png"]

KINDS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
MODES = {"grey": "L", "colour": "RGB", "alpha": "RGBA"}


def picture_files(folder: Path) -> list[Path]:
    """All picture files in a folder and the folders in it, in the order of their names.

    Raises:
        DataError: if there are none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in KINDS and path.is_file())
    if not paths:
        raise DataError(f"{folder}: holds no pictures; put PNG or JPEG files there.")
    return paths


def picture(path: Path, mode: str = "colour", *, paper: str = "black") -> Array:
    """One picture, its transparent parts laid on paper.

    Args:
        path: a file in a format that Pillow reads.
        mode: "grey" gives `(H, W)`, "colour" `(H, W, 3)`, and "alpha" `(H, W, 4)` as it is.
        paper: a colour's name.

    Returns:
        uint8.

    Raises:
        DataError: if the file is missing, or no picture that can be read whole.
        MissingExtra: without Pillow.
    """
    whole = laid_on(paper, _opened(path)) if mode != "alpha" else _opened(path)
    return np.array(whole.convert(MODES[mode]))


def laid_on(paper: str, image: Any) -> Any:
    """A Pillow picture with transparency on paper of this colour."""
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", image.size, paper), image)


def _opened(path: Path) -> Any:
    Image = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return (_in_bytes(image) if image.mode[0] in "IF" else image).convert("RGBA")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path}: cannot be read as a picture ({error}); give a whole PNG or JPEG file.") from None


def _in_bytes(image: Any) -> Any:
    """A picture of 16 or 32 bits a pixel, as cameras of microscopes give them, from its darkest to its brightest."""
    numbers = np.array(image, np.float64)
    low, high = numbers.min(), numbers.max()
    return _pillow().fromarray(np.uint8(np.rint((numbers - low) * (255 / max(high - low, 1e-30)))))


def png(pixels: Array) -> bytes:
    """A PNG file of uint8 pixels, shape `(H, W)`, `(H, W, 3)` or `(H, W, 4)`."""
    content = io.BytesIO()
    _pillow().fromarray(np.ascontiguousarray(pixels)).save(content, "PNG", optimize=True)
    return content.getvalue()


def gif(frames: Sequence[Array], seconds: float) -> bytes:
    """Pictures that follow one another without end, as a GIF file; the last one stays a little longer.

    Args:
        frames: uint8, all of one shape, `(H, W)` or `(H, W, 3)`; colours are reduced to 256 in each.
        seconds: that each is shown.
    """
    first, *rest = (_pillow().fromarray(np.ascontiguousarray(frame)) for frame in frames)
    content = io.BytesIO()
    times = [*[round(1000 * seconds)] * len(rest), round(4000 * seconds)]
    first.save(content, "GIF", save_all=True, append_images=rest, duration=times, loop=0)
    return content.getvalue()


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("tconv.recipes", "pillow", "recipes") from None
    return Image
