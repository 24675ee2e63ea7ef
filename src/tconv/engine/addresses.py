"""Layers and layouts of arrays that are told by their addresses: to make arrays of a framework's tensors takes longer
than a small layer does.
"""

from __future__ import annotations

from typing import Any

from .calls import finish
from .compiled import native

__all__ = ["Steps", "images_at", "layer_at"]

Steps = tuple[int, int, int]


def layer_at(name: str, said: list[int], array: int, kernel: int, steps: Steps, out: int, bias: int = 0,
             activation: str | None = None, slope: float = 0.0, *, halves: bool = False, layouts: Any = None) -> None:
    """`conv_transpose` or `conv` on memory that the caller vouches for: that it is there, as large, and stays.

    Args:
        name: which of the two.
        said: the problem met by the arrays' shapes, by `met`.
        array: address of `(N, *I, C)` in C order.
        kernel: address of the kernel's first number.
        steps: numbers from tap to tap, from row to row (fine channels) and from column to column (coarse channels).
        out: address of room for the result, in C order.
        bias: address of one float32 for each channel of the result, side by side; 0 for none.
        activation, slope: as in `conv`.
        halves: whether array, kernel and result are bfloat16, and not float32.
        layouts: those of a packed kernel.
    """
    _, code, left = finish(None, activation, slope)
    layer = getattr(native, f"half_{name}_at" if halves else f"{name}_at")
    layer(said, array, kernel, steps, out, bias, code, left, layouts)


def images_at(array: int, images: int, rows: int, columns: int, out: int, *, halves: bool = False) -> None:
    """Rows as columns, image by image: channels that lie first lie last after it, or the other way round.

    Args:
        array: address of `(images, rows, columns)` in C order, which the caller vouches for.
        images, rows, columns: sizes.
        out: address of room for `(images, columns, rows)`, in C order, elsewhere.
        halves: whether the numbers have 16 bits, and not 32.
    """
    (native.half_images_at if halves else native.images_at)(array, images, rows, columns, out)
