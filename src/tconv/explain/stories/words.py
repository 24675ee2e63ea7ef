"""What the stories say alike: titles, places, sums, and panels of the three arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ...methods.channels import Array
from ..cells import Cell, Index, Term, input_channels
from ..facts import Explanation
from ..picture import Panel, channel_panels, said, sentence

__all__ = ["bracketed", "drawn", "inputs", "kernels", "listed", "many", "notes", "of_channels", "places", "product_of",
           "result", "roles_of", "seen", "sum_of", "times"]

AXES = {1: ("cells",), 2: ("rows", "columns"), 3: ("depths", "rows", "columns")}
MOST_CHANNELS = 4  # input channels that a picture shows
MOST_TERMS = 16  # products that a sentence writes out


def roles_of(told: Explanation) -> tuple[str, str]:
    """The grids of the input and of the result."""
    return ("coarse", "fine") if told.transposed else ("fine", "coarse")


def seen(told: Explanation, channel: int) -> list[int]:
    """The input channels that an output channel reads."""
    return [number for number, _, _ in input_channels(told.kernel, told.problem.groups, told.transposed, channel)]


def drawn(told: Explanation, channel: int) -> list[int]:
    """Those of them that pictures show."""
    return seen(told, channel)[:MOST_CHANNELS]


def inputs(told: Explanation, channel: int, **more: Any) -> tuple[Panel, ...]:
    """The input, those channels that this output channel reads."""
    role = roles_of(told)[0]
    return channel_panels(f"input, {role}", told.x, role, drawn(told, channel), numbered=True, **more)


def kernels(told: Explanation, channel: int, *, flipped: bool = False, **more: Any) -> tuple[Panel, ...]:
    """The kernel between this output channel and each input channel that it reads."""
    array = told.collect.kernel if flipped else told.kernel
    pairs = input_channels(told.kernel, told.problem.groups, told.transposed, channel)
    title = "kernel, flipped" if flipped and told.transposed else "kernel"
    many = told.channels[0] > 1
    return tuple(panel for number, row, column in pairs[:MOST_CHANNELS]
                 for panel in channel_panels(title if not many else f"{title}, channel {number}",
                                             array[..., row, column, None], "kernel", numbered=True, **more))


def result(told: Explanation, channel: int, title: str = "result", *, bias: bool = False,
           **more: Any) -> tuple[Panel, ...]:
    """One channel of the result, before the bias or after it."""
    role = roles_of(told)[1]
    values = told.result if bias else told.unbiased
    return channel_panels(f"{title}, {role}", values, role, [channel], numbered=True, **more)


def places(starts: Sequence[int], stops: Sequence[int]) -> str:
    """A block of cells in words, ends included.

    >>> places((0, 2), (2, 3))
    'rows 0 to 1, column 2'
    """
    return ", ".join(f"{name[:-1]} {a}" if b - a == 1 else f"{name} {a} to {b - 1}"
                     for name, a, b in zip(AXES[len(starts)], starts, stops, strict=True))


def times(count: int, thing: str) -> str:
    """A count with its noun.

    >>> times(1, "product"), times(3, "product")
    ('1 product', '3 products')
    """
    return f"{count:,} {thing}{'s' * (count != 1)}"


def product_of(term: Term) -> str:
    """One product in numbers, negative ones in brackets."""
    return f"{bracketed(term.x)}×{bracketed(term.kernel)}"


def bracketed(number: int | float) -> str:
    """A number as a factor.

    >>> bracketed(2), bracketed(-2)
    ('2', '(-2)')
    """
    return f"({said(number)})" if number < 0 else said(number)


def sum_of(cell: Cell, *, bias: bool = True) -> str:
    """How a cell came about, in numbers: its real products, and the bias."""
    terms = cell.real
    parts = [product_of(term) for term in terms[:MOST_TERMS]] + ["…"] * (len(terms) > MOST_TERMS)
    parts += [bracketed(cell.bias)] * (bias and cell.bias != 0)
    value = cell.value if bias else cell.value - cell.bias
    return f"{' + '.join(parts) or 'no product'} = {said(value)}"


def notes(told: Explanation, channel: int) -> str:
    """The sentences on channels that are not drawn, and on the bias, where there is one."""
    if told.bias is None or not told.bias[channel]:
        return of_channels(told, channel)
    offset = said(told.bias[channel].item())
    return f"{of_channels(told, channel)} At the end the bias, {offset}, is added to every cell."


def of_channels(told: Explanation, channel: int) -> str:
    """Which channels are drawn, where not all are."""
    outs, read = told.channels[1], seen(told, channel)
    which = f" This is channel {channel} of {outs} of the result." if outs > 1 else ""
    some = f" The first {MOST_CHANNELS} of {len(read)} input channels are drawn." if len(read) > MOST_CHANNELS else ""
    return which + some


def listed(values: Array, joint: str) -> str:
    """Numbers with a joint between, not too many."""
    texts = [said(value.item()) for value in values[:MOST_CHANNELS]] + ["…"] * (len(values) > MOST_CHANNELS)
    return joint.join(texts)


def many(cells: Collection[Index]) -> str:
    """Indices in words.

    >>> many([(0,), (2,)]), many([])
    ('(0) and (2)', 'no cell')
    """
    texts = [sentence(cell) for cell in cells]
    if len(texts) > 6:
        return f"{len(texts)} cells"
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1]))) if texts else "no cell"
