"""The part of every contraction that has no place: channels against channels, group by group."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Array", "to_coarse", "to_fine", "to_kernel"]

Array = np.ndarray[Any, np.dtype[Any]]  # what numpy.typing.NDArray[Any] is, without its import


def grouped(array: Array, groups: int) -> Array:
    """The last axis split in two: groups, and the channels of one group."""
    return array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups)


def to_fine(coarse: Array, taps: Array, groups: int) -> Array:
    """Coarse channels `(..., C)` under taps `(D / groups, C)` to fine channels `(..., D)`, the same place each."""
    if groups == 1:
        return coarse @ taps.T
    out = np.einsum("...gc,dgc->...gd", grouped(coarse, groups), grouped(taps, groups))
    return out.reshape(*coarse.shape[:-1], groups * taps.shape[0])


def to_coarse(fine: Array, taps: Array, groups: int) -> Array:
    """Fine channels `(..., D)` under taps `(D / groups, C)` to coarse channels `(..., C)`, the same place each."""
    if groups == 1:
        return fine @ taps
    out = np.einsum("...gd,dgc->...gc", grouped(fine, groups), grouped(taps, groups))
    return out.reshape(*fine.shape[:-1], taps.shape[1])


def to_kernel(fine: Array, coarse: Array, groups: int) -> Array:
    """Fine `(..., D)` against coarse `(..., C)`, summed over all places: one tap's `(D / groups, C)`."""
    rows, columns = grouped(fine, groups), grouped(coarse, groups)
    places = int(np.prod(fine.shape[:-1]))
    rows, columns = rows.reshape(places, *rows.shape[-2:]), columns.reshape(places, *columns.shape[-2:])
    if groups == 1:
        return rows[:, 0].T @ columns[:, 0]
    return np.einsum("ngd,ngc->dgc", rows, columns).reshape(rows.shape[2], coarse.shape[-1])
