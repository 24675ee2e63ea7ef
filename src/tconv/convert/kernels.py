"""A kernel of one framework in another's layout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..conventions.convert import convert
from ..errors import ShapeError
from ..methods.channels import Array

__all__ = ["kernel"]


def kernel(array: ArrayLike, layer: str, to: str, *, sizes: Sequence[int] | None = None) -> Array:
    """The kernel that makes the layer `to` writes for `layer` compute the same.

    Args:
        array: the kernel as the layer's framework lays it out.
        layer: the framework and the layer, as one writes it.
        to: the framework to convert for, a name in `tconv.conventions.CONVENTIONS`.
        sizes: input samples per axis, wanted where the layer depends on them.

    Returns:
        The kernel in the layout of `tconv.conventions.convert(layer, to).code`; with taps that are zero where that
        line needs them.

    Raises:
        SettingError: if `layer` is none, or `to` no framework.
        ShapeError: if the array is no kernel of this layer.
        UnsupportedError: if there is no equal layer.

    >>> kernel([[[1.0]], [[2.0]], [[3.0]]], "keras Conv1DTranspose(1, 3, strides=2, padding='same')", "torch")
    array([[[0., 1., 2., 3.]]])
    """
    found, given = convert(layer, to, sizes=sizes), np.asarray(array)
    taps = tuple(axis.kernel for axis in found.spec.axes)
    row = found.source
    fits = given.ndim == len(taps) + row.besides({**row.defaults, **found.read})
    if not fits or row.kernel_from(given, found.read).shape[:len(taps)] != taps:
        raise ShapeError(f"kernel: the array has shape {given.shape}, but {found.said} has a kernel laid out "
                         f"{row.laid(found.read)}, where K is {taps}.")
    return found.kernel(given)
