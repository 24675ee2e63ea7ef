"""The story of the window."""

from __future__ import annotations

from ..cells import Index
from ..collect import Collect
from ..facts import Explanation
from ..picture import Item, Panel, Picture, Story, channel_panels, said, sentence
from ..summary import crosses
from .words import drawn, inputs, kernels, notes, result, roles_of, sum_of, times

__all__ = ["collect"]


def collect(told: Explanation, channel: int, cell: Index | None) -> Story:
    """Every result cell adds up what its window covers."""
    view = told.collect
    if told.transposed:
        gaps = crosses([s - 1 for s in told.problem.stride])
        about = (f"Between the input cells stand {gaps} added zeros, and around them a ring of zeros; over this "
                 "grid the kernel, flipped, slides one cell at a time. That is an ordinary convolution with stride 1, "
                 "and gives the same result.")
    else:
        about = (f"The kernel slides over the padded input, {crosses(told.problem.stride)} cells at a time; "
                 "each result cell is the sum of what it covers, tap times number.")
    return Story("collect", "Collecting: a window adds up", about + notes(told, channel), _still(told, view, channel),
                 len(view.steps), lambda number: _step(told, view, channel, number))


def _grid(told: Explanation, view: Collect, channel: int, step: int | None = None) -> tuple[Panel, ...]:
    under = set() if step is None else {
        term.place for term in told.cell(view.steps[step].index, channel).terms}
    role = roles_of(told)[0]
    title = "stuffed input" if told.transposed else "padded input" if not view.real.all() else "input"
    return channel_panels(title, view.grid, role, drawn(told, channel), strong=under,
                          roles=lambda place: role if view.real[place] else "added")


def _still(told: Explanation, view: Collect, channel: int) -> Picture:
    taps = kernels(told, channel, flipped=True)
    line: tuple[Item, ...] = (*_grid(told, view, channel), "*", *taps, "=", *result(told, channel))
    work = told.work["collect"]
    zeros = work.executed - work.useful
    caption = f"Of {times(work.executed, 'product')}, {zeros:,} are with added zeros."
    if told.transposed and told.x.size != view.grid.size:
        return Picture((inputs(told, channel), line), caption)
    return Picture((line,), caption)


def _step(told: Explanation, view: Collect, channel: int, number: int) -> Picture:
    index = view.steps[number].index
    done = {step.index for step in view.steps[:number + 1]}
    cell, role = told.cell(index, channel), roles_of(told)[1]
    so_far = result(told, channel, "result so far", strong={index},
                    roles=lambda at: role if at in done else "empty",
                    texts=lambda at: said(told.unbiased[(*at, channel)].item()) if at in done else "")
    added = len(cell.terms) - len(cell.real)
    tail = f" {added} of its {times(len(cell.terms), 'product')} are with added zeros." if added else ""
    taps = kernels(told, channel, flipped=True)
    line: tuple[Item, ...] = (*_grid(told, view, channel, number), "×", *taps, "=", *so_far)
    return Picture((line,), f"Result {sentence(index)}: {sum_of(cell, bias=False)}.{tail}")
