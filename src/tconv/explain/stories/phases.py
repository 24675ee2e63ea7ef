"""The story of the phases."""

from __future__ import annotations

import numpy as np

from ..cells import Index
from ..facts import Explanation
from ..phases import Part
from ..picture import Item, Panel, Picture, Story, channel_panels, said
from ..summary import crosses
from ..theme import PHASES
from .words import drawn, inputs, kernels, notes, result, times

__all__ = ["phases"]


def phases(told: Explanation, channel: int, cell: Index | None) -> Story:
    """One small layer for each residue of the stride."""
    parts = told.phases.parts
    about = (f"With stride {crosses(told.problem.stride)} the fine grid falls into {times(len(parts), 'phase')}, "
             "and each tap meets only one of them. " + (
                 "Every phase is a small layer of its own with stride 1; interleaved they are the result. No product "
                 "is wasted." if told.transposed else
                 "Every phase of the input goes under its own taps with stride 1; added up they are the result."))
    return Story("phases", "Phases: small layers, interleaved" if told.transposed else "Phases: small layers, added",
                 about + notes(told, channel), _still(told, channel), len(parts),
                 lambda number: _step(told, channel, number))


def _role(number: int) -> str:
    return f"phase{number % PHASES}"


def letter(number: int) -> str:
    """The name of a phase.

    >>> letter(0), letter(3), letter(30)
    ('a', 'd', '30')
    """
    return "abcdefghijklmnopqrstuvwxyz"[number] if number < 26 else str(number)


def _of_tap(told: Explanation, tap: Index) -> int:
    rows = zip(tap, told.problem.dilation, told.problem.stride, strict=True)
    return int(np.ravel_multi_index(tuple(t * d % s for t, d, s in rows), told.problem.stride))


def _still(told: Explanation, channel: int) -> Picture:
    coloured = kernels(told, channel, roles=lambda tap: _role(_of_tap(told, tap)),
                       tags=lambda tap: letter(_of_tap(told, tap)))
    lines: list[tuple[Item, ...]] = [(*_whole_input(told, channel), "*", *coloured)]
    pairs = [_pair(told, number, part, channel) for number, part in enumerate(told.phases.parts)]
    fit = 2 if max(told.sizes[1], default=0) <= 12 else 1
    lines += [(*pairs[at], *(item for pair in pairs[at + 1:at + fit] for item in ("   ", *pair)))
              for at in range(0, len(pairs), fit)]
    lines.append((told.phases.together, *_result(told, channel)))
    return Picture(tuple(lines), _counts(told))


def _counts(told: Explanation) -> str:
    """How many taps each phase has: the overlap."""
    counts = [part.kernel[..., 0, 0].size for part in told.phases.parts]
    verdict = ("equally many taps in every phase: an even overlap" if len(set(counts)) == 1 else
               "not equally many taps in every phase: this invites a checkerboard" if min(counts) else
               "a phase without a tap holds nothing but the bias")
    return f"Taps by phase: {' : '.join(map(str, counts))}; {verdict}."


def _whole_input(told: Explanation, channel: int) -> tuple[Panel, ...]:
    if told.transposed:
        return inputs(told, channel)
    owner = told.phases.interleaving
    return inputs(told, channel, roles=lambda at: _role(int(owner[at])), tags=lambda at: letter(int(owner[at])))


def _pair(told: Explanation, number: int, part: Part, channel: int) -> tuple[Item, ...]:
    """A phase's taps, and what they make."""
    taps: tuple[Panel, ...] = ()
    if part.kernel[..., 0, 0].size:
        for of_input, (row, column) in _pairs(told, channel):
            title = f"phase {letter(number)}, taps" + (f", channel {of_input}" if told.channels[0] > 1 else "")
            taps += channel_panels(title, part.kernel[..., row, column, None], _role(number))
    made = channel_panels("makes" if told.transposed else "adds", part.result, _role(number), [channel])
    return (*taps, "→", *made) if taps else (f"phase {letter(number)} has no tap", "→", *made)


def _pairs(told: Explanation, channel: int) -> list[tuple[int, tuple[int, int]]]:
    width = told.kernel.shape[-1] // told.problem.groups
    rows = told.kernel.shape[-2]
    chosen = drawn(told, channel)
    if told.transposed:
        return [(number, (channel % rows, number)) for number in chosen]
    return [(number, (number - channel // width * rows, channel)) for number in chosen]


def _result(told: Explanation, channel: int, upto: int | None = None) -> tuple[Panel, ...]:
    if not told.transposed:
        return result(told, channel)
    owner = told.phases.interleaving
    shown = len(told.phases.parts) if upto is None else upto + 1
    strong = set() if upto is None else {tuple(map(int, at)) for at in np.argwhere(owner == upto)}
    return result(told, channel, "result" if upto is None else "result so far", strong=strong,
                  roles=lambda at: _role(int(owner[at])) if owner[at] < shown else "empty",
                  tags=lambda at: letter(int(owner[at])) if owner[at] < shown else "",
                  texts=lambda at: said(told.unbiased[(*at, channel)].item()) if owner[at] < shown else "")


def _step(told: Explanation, channel: int, number: int) -> Picture:
    part = told.phases.parts[number]
    if told.transposed:
        into: tuple[Item, ...] = ("into", *_result(told, channel, number))
    else:
        so_far = sum(one.result for one in told.phases.parts[:number + 1])
        into = ("sum so far", *channel_panels("result so far", np.asarray(so_far), "coarse", [channel]))
    taps = {tap for tap in np.ndindex(told.problem.kernel) if _of_tap(told, tap) == number}

    def kind(tap: Index) -> str:
        return _role(_of_tap(told, tap))

    def tag(tap: Index) -> str:
        return letter(_of_tap(told, tap))

    under = kernels(told, channel, strong=taps, roles=kind, tags=tag)
    line: tuple[Item, ...] = (*_whole_input(told, channel), "*", *under, "→",
            *_pair(told, number, part, channel)[-1:], *into)
    words = (f"Phase {letter(number)}, fine cells {_residues(told, part)}, has {times(len(taps), 'tap')}, and makes "
             f"{crosses(part.result.shape[:-1])} cells.")
    return Picture((line,), words)


def _residues(told: Explanation, part: Part) -> str:
    """Where a phase's cells are, along each axis."""
    starts = [f"{cells.start} + {step}n" if step > 1 else "all" for cells, step in
              zip(part.cells, told.problem.stride, strict=True)]
    return f"({', '.join(starts)})"
