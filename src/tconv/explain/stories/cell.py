"""The story of one result cell."""

from __future__ import annotations

from ..cells import Index
from ..facts import Explanation
from ..picture import Item, Panel, Picture, Story, said, sentence, table
from .words import inputs, kernels, many, of_channels, product_of, result, sum_of, times

__all__ = ["cell"]

MOST = 32  # terms in the table


def cell(told: Explanation, channel: int, cell: Index | None) -> Story:
    """Which inputs and taps made one cell; by default one in the middle."""
    index = cell or tuple(size // 2 for size in told.sizes[1])
    made = told.cell(index, channel)
    sources = {term.cell for term in made.real if term.cell is not None}
    taps = {term.tap for term in made.real}
    line: tuple[Item, ...] = (*inputs(told, channel, strong=sources), "*", *kernels(told, channel, strong=taps), "→",
            *result(told, channel, bias=True, strong={index}))
    added = len(made.terms) - len(made.real)
    caption = f"Result {sentence(index)} = {sum_of(made)}."
    about = (f"Result {sentence(index)} comes from input {many(sorted(sources))}: {times(len(made.real), 'product')}"
             f"{f', and {added} more with zeros in the collecting view' if added else ''}."
             f"{of_channels(told, channel)}")
    return Story("cell", f"One cell: what made {sentence(index)}", about,
                 Picture((line, (_terms(told, made.real),)), caption))


def _terms(told: Explanation, terms: tuple) -> Panel:  # type: ignore[type-arg]
    many_channels = told.channels[0] > 1
    rows = [("input", "tap", "product", "")]
    rows += [(sentence(term.cell) + (f" channel {term.channel}" if many_channels else ""), sentence(term.tap),
              product_of(term), said(term.product)) for term in terms[:MOST]]
    rows += [("…", "…", f"{len(terms) - MOST} more", "")] * (len(terms) > MOST)
    return table("the products", rows)
