"""Channels into space and back: pixel shuffle, also known as depth to space and sub-pixel upsampling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SettingError, ShapeError
from ..geometry import per_axis, whole
from ..methods.channels import Array

__all__ = ["ORDERS", "pixel_shuffle", "pixel_unshuffle"]

ORDERS = {
    "DCR": "the place varies slowest: TensorFlow's depth_to_space, ONNX's default",
    "CRD": "the channel varies slowest: PyTorch's pixel_shuffle, ONNX's CRD",
}
"""How the places within a block and the channels that remain share one axis of channels."""


def pixel_shuffle(x: ArrayLike, factor: int | Sequence[int], *, order: str = "DCR") -> Array:
    """Deal the channels of each cell out over a block of `factor` cells.

    Args:
        x: shape `(N, *I, prod(factor) * C)`.
        factor: cells that one cell becomes, >= 1; one for all axes or one each.
        order: how the channels are sorted, a name in `ORDERS`.

    Returns:
        Shape `(N, *I * factor, C)`; the dtype of `x`.

    Raises:
        SettingError: if the factor or the order is none.
        ShapeError: if the channels do not fill the blocks.

    >>> pixel_shuffle(np.array([[[1, 2], [3, 4]]]), 2).ravel()
    array([1, 2, 3, 4])
    """
    x = np.asarray(x)
    factors = _factors("pixel_shuffle", x, factor, order)
    block = math.prod(factors)
    if x.shape[-1] % block:
        raise ShapeError(f"pixel_shuffle: {x.shape[-1]} channels (last axis of {x.shape}) do not fill blocks of "
                         f"{factors}; give a multiple of {block}.")
    rank, channels = len(factors), x.shape[-1] // block
    split = (*factors, channels) if order == "DCR" else (channels, *factors)
    cells = x.reshape(*x.shape[:-1], *split)
    if order == "CRD":
        cells = np.moveaxis(cells, rank + 1, -1)
    places = [axis for i in range(rank) for axis in (1 + i, 1 + rank + i)]
    sizes = (size * f for size, f in zip(x.shape[1:-1], factors, strict=True))
    return cells.transpose(0, *places, 2 * rank + 1).reshape(x.shape[0], *sizes, channels)


def pixel_unshuffle(x: ArrayLike, factor: int | Sequence[int], *, order: str = "DCR") -> Array:
    """Gather each block of `factor` cells into the channels of one: what `pixel_shuffle` undoes.

    Args:
        x: shape `(N, *I, C)`, each size a multiple of its factor.
        factor: cells that become one, >= 1; one for all axes or one each.
        order: how the channels are sorted, a name in `ORDERS`.

    Returns:
        Shape `(N, *I / factor, prod(factor) * C)`; the dtype of `x`.

    Raises:
        SettingError: if the factor or the order is none.
        ShapeError: if the blocks do not fill the sizes.

    >>> pixel_unshuffle(np.array([[[1], [2], [3], [4]]]), 2).tolist()
    [[[1, 2], [3, 4]]]
    """
    x = np.asarray(x)
    factors = _factors("pixel_unshuffle", x, factor, order)
    if any(size % f for size, f in zip(x.shape[1:-1], factors, strict=True)):
        raise ShapeError(f"pixel_unshuffle: x has shape {x.shape}, whose sizes blocks of {factors} do not fill; crop "
                         "or pad it to multiples of the factor.")
    rank = len(factors)
    blocks = [n for size, f in zip(x.shape[1:-1], factors, strict=True) for n in (size // f, f)]
    cells = x.reshape(x.shape[0], *blocks, x.shape[-1])
    coarse, within, channel = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2), 2 * rank + 1
    depth = (*within, channel) if order == "DCR" else (channel, *within)
    return cells.transpose(0, *coarse, *depth).reshape(x.shape[0], *blocks[::2], -1)


def _factors(where: str, x: Array, factor: int | Sequence[int], order: str) -> tuple[int, ...]:
    if order not in ORDERS:
        raise SettingError(f"{where}: order is {order!r}, but has to be one of {', '.join(ORDERS)}.")
    if x.ndim < 3:
        raise ShapeError(f"{where}: x has shape {x.shape}, but has to be (batch, one size or more, channels).")
    return tuple(whole(where, "factor", value, 1) for value in per_axis(where, "factor", factor, x.ndim - 2))
