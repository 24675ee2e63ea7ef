"""Numbers to show where nobody gave any, and numbers as people type them."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

import numpy as np

from ..errors import DataError, SettingError, SizeError
from ..methods.channels import Array

__all__ = ["LARGEST_IMAGE", "image", "numbered", "read"]

LARGEST = 2**24  # numbers that are made up
LARGEST_IMAGE = 2**24  # pixels that are read
ROUND = 9  # the numbers begin again after it, so that results stay small


def numbered(sizes: Sequence[int]) -> Array:
    """1, 2, 3, ... 9, 1, 2, ... in the shape of `sizes`.

    Raises:
        SizeError: if that is too many to hold.

    >>> numbered((2, 2))
    array([[1, 2],
           [3, 4]])
    """
    if math.prod(sizes) > LARGEST:
        raise SizeError(f"explain: sizes {'x'.join(map(str, sizes))} are {math.prod(sizes):,} numbers, more than "
                        f"{LARGEST:,}; take smaller sizes, or the view 'summary'.")
    return (np.arange(math.prod(sizes)) % ROUND + 1).reshape(tuple(sizes))


def read(name: str, text: str) -> Array | tuple[int, ...]:
    """Sizes as `4x4` or `4`, or values as `[[1, 2], [3, 4]]` or `1 2; 3 4`.

    Args:
        name: the argument's name, for messages.
        text: what was typed.

    Raises:
        SettingError: if it is neither.

    >>> read("input", "4x4"), read("input", "1 2; 3 4").tolist()
    ((4, 4), [[1, 2], [3, 4]])
    """
    text = text.strip()
    if sizes := _sizes(name, text):
        return sizes
    rows = _nested(name, text) if text.startswith(("[", "(")) else [
        [_number(name, one) for one in row.replace(",", " ").split()] for row in text.rstrip("; ").split(";")]
    if isinstance(rows, list) and len(rows) == 1 and not text.startswith(("[", "(")):
        rows = rows[0]
    try:
        array = np.array(rows)
    except ValueError:
        raise SettingError(f"{name}: {_short(text)} has rows of different lengths; give each as many "
                           "numbers.") from None
    if array.dtype.kind not in "iuf" or not array.size or not np.isfinite(array).all():
        raise SettingError(f"{name}: {_short(text)} is not all finite numbers; give values as [[1, 2], [3, 4]] or "
                           "'1 2; 3 4', or a size as 4x4.")
    return array


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _sizes(name: str, text: str) -> tuple[int, ...] | None:
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        return None
    if any(int(part) < 1 for part in parts):
        raise SettingError(f"{name}: {_short(text)} has a size of 0, but sizes have to be 1 or more.")
    return tuple(map(int, parts))


def _nested(name: str, text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise SettingError(f"{name}: {_short(text)} cannot be read as values; write them as [[1, 2], [3, 4]] or "
                           "'1 2; 3 4'.") from None


def _number(name: str, text: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise SettingError(f"{name}: {_short(text)} is no number; give values as '1 2; 3 4' or [[1, 2], [3, 4]], a size as "
                       "4x4, or the path of an image.")


def image(path: str) -> Array:
    """An image file's grey values, 0 to 255, shape `(rows, columns)`.

    Raises:
        DataError: if it cannot be read, or has too many pixels.
        MissingExtra: without Pillow.
    """
    from importlib.util import find_spec

    from ..errors import MissingExtra

    if find_spec("PIL") is None:
        raise MissingExtra("explain", "pillow", "explain")
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if math.prod(opened.size) > LARGEST_IMAGE:
                raise DataError(f"{path}: has {opened.size[0]}x{opened.size[1]} pixels, more than {LARGEST_IMAGE:,}; "
                                "take a smaller image.")
            return np.asarray(opened.convert("L")).astype(np.int64)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, EOFError):
        raise DataError(f"{path}: is no image that can be read; give a PNG, JPEG, GIF, BMP, TIFF or WebP "
                        "file.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); give the path of an image.") from None
