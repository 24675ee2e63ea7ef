"""The distributing view: every input cell stamps the kernel, scaled by itself; stamps are added where they overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..geometry import Problem, sources
from ..methods.channels import Array, to_coarse, to_fine
from .cells import Index
from .steps import Steps

__all__ = ["Distribute", "Piece", "Stamp", "distribute"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One tap of a stamp.

    Args:
        tap: index into the kernel.
        place: where it falls on the canvas.
        target: the same as an output cell; None where the crop cuts it off.
        values: what it adds there, for each output channel, shape `(D,)`.
    """

    tap: Index
    place: Index
    target: Index | None
    values: Array


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one input cell adds to the result.

    Args:
        cell: the input cell.
        values: its numbers, one for each input channel, shape `(C,)`.
        pieces: one for each tap that has a place.
        shape: taps per axis.
    """

    cell: Index
    values: Array
    pieces: tuple[Piece, ...]
    shape: Index

    @property
    def patch(self) -> Array:
        """The stamp as an array, shape `(*K, D)`; zero at taps that have no place."""
        width = self.pieces[0].values.shape if self.pieces else (0,)
        patch = np.zeros((*self.shape, *width), self.pieces[0].values.dtype if self.pieces else int)
        for piece in self.pieces:
            patch[piece.tap] = piece.values
        return patch


@dataclass(frozen=True)
class Distribute:
    """All stamps, in the order of the input cells, on a canvas that holds the full result and the cropped one.

    Args:
        steps: the stamps.
        canvas: samples per axis.
        full: where the full result lies on the canvas: `(start, size)` per axis.
        kept: where the result lies on the canvas: `(start, size)` per axis.
        channels: output channels.
    """

    steps: Sequence[Stamp]
    canvas: Index
    full: tuple[tuple[int, int], ...]
    kept: tuple[tuple[int, int], ...]
    channels: int

    def after(self, steps: int | None = None) -> Array:
        """The canvas when so many stamps have been laid, shape `(*canvas, D)`; by default all of them."""
        done = self.steps[:steps]
        kind = np.result_type(*(piece.values.dtype for stamp in done for piece in stamp.pieces), np.int8)
        canvas = np.zeros((*self.canvas, self.channels), kind)
        for stamp in done:
            for piece in stamp.pieces:
                canvas[piece.place] += piece.values
        return canvas


def distribute(x: Array, kernel: Array, problem: Problem, transposed: bool) -> Distribute:
    """The stamps of arrays without a batch; see `Explanation.distribute`."""
    laid = _stamped if transposed else _handed_out
    sizes = problem.coarse if transposed else problem.fine
    steps = Steps(sizes, lambda cell: Stamp(cell, x[cell], tuple(laid(x, kernel, problem, cell)), problem.kernel))
    if not transposed:
        whole = tuple((0, size) for size in problem.coarse)
        return Distribute(steps, problem.coarse, whole, whole, kernel.shape[-1])
    frames = [_frame(problem, axis) for axis in range(problem.rank)]
    canvas, full, kept = zip(*frames, strict=True)
    return Distribute(steps, canvas, full, kept, kernel.shape[-2] * problem.groups)


def _frame(problem: Problem, axis: int) -> tuple[int, tuple[int, int], tuple[int, int]]:
    """One axis of the canvas: its size, and where the full result and the cropped one begin and how long they are."""
    lo, fine = problem.lo[axis], problem.fine[axis]
    full = problem.axes[axis].full(problem.coarse[axis])
    start, stop = min(0, lo), max(full, fine + lo)
    return stop - start, (-start, full), (lo - start, fine)


def _stamped(x: Array, kernel: Array, problem: Problem, cell: Index) -> Iterator[Piece]:
    corner = [at * s - min(0, lo) for at, s, lo in zip(cell, problem.stride, problem.lo, strict=True)]
    for tap in np.ndindex(problem.kernel):
        place = tuple(c + t * d for c, t, d in zip(corner, tap, problem.dilation, strict=True))
        target = tuple(p - max(lo, 0) for p, lo in zip(place, problem.lo, strict=True))
        inside = all(0 <= t < size for t, size in zip(target, problem.fine, strict=True))
        yield Piece(tap, place, target if inside else None, to_fine(x[cell], kernel[tap], problem.groups))


def _handed_out(x: Array, kernel: Array, problem: Problem, cell: Index) -> Iterator[Piece]:
    """A convolution distributes too: each fine cell goes to the coarse cells whose window it is under."""
    met = [sources(axis, at, coarse=size) for axis, at, size in zip(problem.axes, cell, problem.coarse, strict=True)]
    for found in product(*met):
        place, tap = tuple(at for at, _ in found), tuple(tap for _, tap in found)
        yield Piece(tap, place, place, to_coarse(x[cell], kernel[tap], problem.groups))
