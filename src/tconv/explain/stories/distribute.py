"""The story of the stamps."""

from __future__ import annotations

import numpy as np

from ..cells import Index
from ..distribute import Distribute, Stamp
from ..facts import Explanation
from ..picture import Item, Panel, Picture, Story, channel_panels, said, sentence
from ..summary import crosses
from .words import inputs, kernels, listed, notes, places, result, roles_of, times

__all__ = ["distribute"]

MOST_STAMPS = 16  # that a still picture lays side by side
WIDE = 30  # boxes in one line of a still picture


def distribute(told: Explanation, channel: int, cell: Index | None) -> Story:
    """Every input cell stamps the kernel; stamps are added where they overlap."""
    view = told.distribute
    about = ("Every input cell is multiplied by the whole kernel, and this stamp is laid where the cell sits, "
             f"{crosses(told.problem.stride)} apart. Where stamps overlap they are added; then the crop is "
             "cut off." if told.transposed else
             "Every input cell hands itself out: to each result cell whose window it is under, times the tap it is "
             "under there.")
    return Story("distribute", "Distributing: stamps are added", about + notes(told, channel),
                 _still(told, view, channel), len(view.steps), lambda number: _step(told, view, channel, number))


def _still(told: Explanation, view: Distribute, channel: int) -> Picture:
    head: tuple[Item, ...] = (*inputs(told, channel), "*", *kernels(told, channel), "=", *result(told, channel))
    if not told.transposed or len(view.steps) > MOST_STAMPS:
        return Picture((head,), _cut(told, view))
    stamps = [panel for stamp in view.steps for panel in _laid(told, view, stamp, channel)]
    fit = max(1, WIDE // (len(stamps[0].rows[0]) + 2)) if stamps and stamps[0].rows else 1
    lines: list[tuple[Item, ...]] = []
    for start in range(0, len(stamps), fit):
        row = [item for panel in stamps[start:start + fit] for item in ("+", panel)]
        lines.append(tuple(row[1:] if start == 0 else row))
    total = _canvas(told, view, channel, len(view.steps), title="sum of the stamps")
    tail: tuple[Item, ...] = ("crop", *result(told, channel)) if view.canvas != told.sizes[1] else ()
    return Picture((head, *lines, ("=", *total, *tail)), _cut(told, view))


def _cut(told: Explanation, view: Distribute) -> str:
    if not told.transposed:
        return ""
    full = crosses([size for _, size in view.full])
    kept = crosses(told.sizes[1])
    lo, hi = told.problem.lo, told.problem.hi
    if not any((*lo, *hi)):
        return f"All stamps together are {full}; nothing is cropped."
    ends = [f"{a} at the start and {b} at the end" for a, b in zip(lo, hi, strict=True)]
    crop = ends[0] + " of each axis" * (len(ends) > 1) if len(set(ends)) == 1 else ", ".join(
        f"{end} of axis {axis}" for axis, end in enumerate(ends))
    more = " (a negative crop adds cells that hold nothing)" if min(*lo, *hi) < 0 else ""
    return f"All stamps together are {full}; the crop of {crop}{more} leaves {kept}."


def _kept(view: Distribute, place: Index) -> bool:
    return all(start <= at < start + size for at, (start, size) in zip(place, view.kept, strict=True))


def _laid(told: Explanation, view: Distribute, stamp: Stamp, channel: int) -> tuple[Panel, ...]:
    """One stamp alone on the canvas."""
    alone = np.zeros(view.canvas, told.unbiased.dtype)
    touched = {piece.place: piece.values[channel] for piece in stamp.pieces}
    for place, value in touched.items():
        alone[place] = value
    role = roles_of(told)[1]
    factor = listed(stamp.values, ", ")
    factor = f"({factor})" if len(stamp.values) > 1 else factor

    def kind(place: Index) -> str:
        return "empty" if place not in touched else role if _kept(view, place) else "crop"

    return channel_panels(f"{factor} × kernel", alone[..., None], role, roles=kind,
                          texts=lambda place: said(alone[place].item()) if place in touched else "")


def _canvas(told: Explanation, view: Distribute, channel: int, done: int,
            title: str = "sum so far") -> tuple[Panel, ...]:
    """The canvas when so many stamps are laid; the last of them stands out while others are to come."""
    total = view.after(done)[..., channel]
    touched = {piece.place for stamp in view.steps[:done] for piece in stamp.pieces}
    last = {piece.place for piece in view.steps[done - 1].pieces} if title == "sum so far" and done else set()
    role = roles_of(told)[1]

    def kind(place: Index) -> str:
        return "crop" if not _kept(view, place) else role if place in touched else "empty"

    return channel_panels(title, total[..., None], role, roles=kind, strong=last,
                          texts=lambda place: said(total[place].item()) if place in touched else "")


def _step(told: Explanation, view: Distribute, channel: int, number: int) -> Picture:
    stamp, role = view.steps[number], roles_of(told)[1]
    patch = stamp.patch[..., channel, None] if stamp.pieces else np.zeros((*stamp.shape, 1), int)
    landed = {piece.tap for piece in stamp.pieces}
    small = channel_panels("stamp", patch, role, roles=lambda tap: role if tap in landed else "empty",
                           texts=lambda tap: said(patch[(*tap, 0)].item()) if tap in landed else "")
    taps = kernels(told, channel, strong=() if told.transposed else landed)
    line: tuple[Item, ...] = (*inputs(told, channel, strong={stamp.cell}), "×", *taps, "=", *small, "adds",
            *_canvas(told, view, channel, number + 1))
    return Picture((line,), _words(view, stamp, told))


def _words(view: Distribute, stamp: Stamp, told: Explanation) -> str:
    head = f"Input {sentence(stamp.cell)} is {listed(stamp.values, ' and ')}."
    if not stamp.pieces:
        return f"{head} No window reaches it: it goes nowhere."
    origin = [start for start, _ in view.kept]
    at = [[p - o for p, o in zip(piece.place, origin, strict=True)] for piece in stamp.pieces]
    low, high = [min(axis) for axis in zip(*at, strict=True)], [max(axis) + 1 for axis in zip(*at, strict=True)]
    if not told.transposed:
        return f"{head} It is under {times(len(at), 'window')}, and goes to result {places(low, high)}."
    lost = sum(piece.target is None for piece in stamp.pieces)
    tail = f" The crop takes {lost} of its {len(at)} numbers." if lost else ""
    return f"{head} It times the kernel is added at {places(low, high)} of the result.{tail}"
