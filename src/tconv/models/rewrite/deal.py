"""Channels dealt out over blocks of cells, on any number of axes; and ends cut off."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .graph import Part

__all__ = ["DEALS", "Deal", "deal_at_once", "deal_in_turns", "trimmed"]

FAR = 2**31 - 1

Deal = Callable[[Part, str, int, Sequence[int], str], str]


def deal_at_once(part: Part, value: str, channels: int, strides: Sequence[int], order: str) -> str:
    """Lay `prod(strides)` channels of each cell side by side, by the one operator for it: two axes, both strides alike.

    Args:
        part: takes the nodes.
        value: shape `(N, prod(strides) * channels, *I)`, any sizes.
        channels: that remain.
        strides: cells that each cell becomes, per axis.
        order: how channels and places share one axis, a name in `tconv.resize.ORDERS`.

    Returns:
        The name of the result, shape `(N, channels, *(I * strides))`.
    """
    return part.node("DepthToSpace", [value], blocksize=strides[0], mode=order)


def deal_in_turns(part: Part, value: str, channels: int, strides: Sequence[int], order: str) -> str:
    """The same by transposes, on any axes: first each cell's block comes together, then its rows go apart.

    Each transpose moves one axis only, for which runtimes have quick ways; for all at once they have none.
    """
    rank, count = len(strides), math.prod(strides)
    split, turned = ([0, channels, count, -1], [0, 1, 3, 2]) if order == "CRD" else ([0, count, -1], [0, 2, 1])
    apart = part.node("Reshape", [value, part.number(np.array(split), "split")])
    together = part.node("Transpose", [apart], perm=turned)
    if rank == 1:
        return part.node("Reshape", [together, part.number(np.array([0, channels, -1]), "joined")])
    batch, sizes = _sizes(part, value)
    grown = part.node("Mul", [sizes, part.number(np.array(strides), "strides")])
    # the first axis needs no turn of its own against batch and channels: rows of cells, then the block's own rows
    rest = part.node("Slice", [sizes, *(part.number(np.array([at]), "at") for at in (1, FAR))])
    cells = part.node("Concat", [part.number(np.array([-1]), "rows"), rest,
                                 part.number(np.array(strides), "places")], axis=0)
    rows = part.node("Reshape", [together, cells])
    spread = part.node("Transpose", [rows], perm=_woven(rank))
    whole = part.node("Concat", [batch, part.number(np.array([channels]), "channels"), grown], axis=0)
    return part.node("Reshape", [spread, whole])


def _woven(rank: int) -> list[int]:
    """`(rows, *I[1:], *strides)` to `(rows, stride, I[1], stride, I[2], ...)`."""
    return [0, rank, *(at for axis in range(1, rank) for at in (axis, rank + axis))]


def _sizes(part: Part, value: str) -> tuple[str, str]:
    """The batch and the spatial sizes of a value, as values."""
    shape = part.node("Shape", [value])
    zero, one, two, far = (part.number(np.array([at]), "at") for at in (0, 1, 2, FAR))
    return part.node("Slice", [shape, zero, one]), part.node("Slice", [shape, two, far])


DEALS: dict[str, tuple[Deal, Callable[[Sequence[int]], bool]]] = {
    "depth to space": (deal_at_once, lambda strides: len(strides) == 2 and strides[0] == strides[1]),
    "transposes": (deal_in_turns, lambda strides: True),
}
"""The ways to deal out, and whether they can on such strides."""


def trimmed(part: Part, value: str, trim: Sequence[tuple[int, int]], output: str) -> str:
    """Cut samples off the ends, or give the value its name."""
    cut = [(place + 2, lo, -hi if hi else FAR) for place, (lo, hi) in enumerate(trim) if lo or hi]
    if not cut:
        part.nodes[-1].output[0] = output
        return output
    axes, starts, ends = zip(*cut)
    names = [part.number(np.array(each), what) for each, what in ((starts, "starts"), (ends, "ends"), (axes, "axes"))]
    return part.node("Slice", [value, *names], output)
