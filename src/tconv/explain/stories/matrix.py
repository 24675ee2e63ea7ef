"""The story of the matrix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..cells import Index
from ..facts import Explanation
from ..picture import Item, Picture, Story, panels, said, sentence
from .words import bracketed, roles_of

__all__ = ["matrix"]

MOST_ROWS = 100  # that are told one by one


def matrix(told: Explanation, channel: int, cell: Index | None) -> Story:
    """The layer as one matrix times the flattened input; all channels, since they are one vector."""
    rows, columns = told.matrix.array.shape
    shared = ("Each column holds the kernel once, at the places of one stamp: it is the transpose of the convolution's "
              "matrix, which gave the layer its name." if told.transposed else
              "Each row holds the kernel once, at the places of one window; its transpose is the matrix of the "
              "transposed convolution.")
    about = f"The input is one column of {columns} numbers, and the layer a matrix of {rows} rows. {shared}"
    biased = " At the end each channel's bias is added." if told.bias is not None else ""
    return Story("matrix", "The matrix: the layer is linear", about + biased, _picture(told, None), rows,
                 lambda number: _picture(told, number))


def _picture(told: Explanation, row: int | None) -> Picture:
    view, (before, after) = told.matrix, roles_of(told)

    def kind(role: str, upto: int | None) -> Callable[[Index], str]:
        return lambda at: role if upto is None or at[0] <= upto else "empty"

    def entry(at: Index) -> str:
        return "kernel" if view.taps[at] >= 0 else "added"

    strong = set() if row is None else {(row, int(column)) for column in np.flatnonzero(view.taps[row] >= 0)}
    told_row = set() if row is None else {(row, 0)}
    line: tuple[Item, ...] = (
        *panels("matrix", view.array, "kernel", roles=entry, strong=strong,
                texts=lambda at: said(view.array[at].item()) if view.taps[at] >= 0 else "·"),
        "×",
        *panels("input", view.vector[:, None], before, strong={(column, 0) for _, column in strong}),
        "=",
        *panels("result", view.result[:, None], after, roles=kind(after, row), strong=told_row,
                texts=lambda at: said(view.result[at[0]].item()) if row is None or at[0] <= row else ""),
    )
    if row is None:
        share = told.work["matrix"]
        return Picture((line,), f"Of its {share.executed:,} entries, {share.useful:,} are taps; a dot is a zero.")
    parts = [f"{bracketed(view.array[at].item())}×{bracketed(view.vector[at[1]].item())}" for at in sorted(strong)]
    total = f"{' + '.join(parts) or 'no tap'} = {said(view.result[row].item())}"
    return Picture((line,), f"Row {row} makes result {_place(told, row)}: {total}.")


def _place(told: Explanation, row: int) -> str:
    sizes, outs = told.sizes[1], told.channels[1]
    flat, channel = divmod(row, outs)
    index: list[int] = []
    for size in reversed(sizes):
        flat, at = divmod(flat, size)
        index.insert(0, at)
    return sentence(index) + (f", channel {channel}" if outs > 1 else "")
