"""Kernel layouts: the steps from the canonical `(*K, D / groups, C)` to each framework's, and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray

from .steps import Flip, Other, Steps, Transpose

__all__ = ["CHANNELS_FIRST", "PLAIN", "Layout", "channels_first", "correlated", "flipped", "moved", "regrouped"]

Array = NDArray[Any]
Layout = tuple[Callable[[int, dict[str, Any]], Steps], Callable[[int, dict[str, Any]], Steps]]
"""The steps into a framework's layout, and out of it, of the number of axes and its arguments."""


def moved(order: Callable[[int], tuple[int, ...]]) -> Layout:
    """A layout that is a mere order of the canonical axes.

    >>> into, out_of = moved(lambda rank: (rank + 1, rank, *range(rank)))
    >>> into(2, {}), out_of(2, {})
    ((Transpose(order=(3, 2, 0, 1)),), (Transpose(order=(2, 3, 1, 0)),))
    """
    def into(rank: int, arguments: dict[str, Any]) -> Steps:
        return (Transpose(order(rank)),)

    def out_of(rank: int, arguments: dict[str, Any]) -> Steps:
        return (inverse(order(rank)),)

    return into, out_of


def inverse(order: tuple[int, ...]) -> Transpose:
    """The transpose that undoes another."""
    return Transpose(tuple(order.index(axis) for axis in range(len(order))))


def channels_first(rank: int) -> tuple[int, ...]:
    """`(*K, A, B)` to `(B, A, *K)`."""
    return (rank + 1, rank, *range(rank))


def flipped(rank: int) -> Flip:
    """Every spatial axis turned round."""
    return Flip(tuple(range(rank)))


def correlated(rank: int) -> Steps:
    """`(*K, D, C)` to the kernel `(*K, C, D)` of a convolution over the stretched input, or back."""
    return flipped(rank), Transpose((*range(rank), rank + 1, rank))


def regrouped(rank: int, groups: int) -> Steps:
    """`(*K, D / groups, C)` to `(*K, C / groups, D)`, or back: each group's block turned over."""
    taps = tuple(range(rank))
    if groups == 1:
        return (Transpose((*taps, rank + 1, rank)),)
    return (
        Other(partial(_blocks, groups=groups), f"{{0}} = {{0}}.reshape(*{{0}}.shape[:-1], {groups}, -1)"),
        Transpose((*taps, rank + 2, rank + 1, rank)),
        Other(_joined, "{0} = {0}.reshape(*{0}.shape[:-2], -1)"),
    )


def _blocks(kernel: Array, groups: int) -> Array:
    return kernel.reshape(*kernel.shape[:-1], groups, -1)


def _joined(kernel: Array) -> Array:
    return kernel.reshape(*kernel.shape[:-2], -1)


PLAIN = moved(lambda rank: tuple(range(rank + 2)))
CHANNELS_FIRST = moved(channels_first)
