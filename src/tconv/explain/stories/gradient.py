"""The story of the gradients: the other layer, and how often each tap joined two cells."""

from __future__ import annotations

import numpy as np

from ..cells import Index
from ..facts import Explanation
from ..gradient import KernelGradient
from ..picture import Item, Picture, Story, channel_panels, said, sentence
from .words import bracketed, kernels, roles_of, seen, times

__all__ = ["gradient"]


def gradient(told: Explanation, channel: int, cell: Index | None) -> Story:
    """Both gradients of the sum of the result."""
    view, other = told.kernel_gradient(), told.input_gradient()
    taps = list(np.ndindex(told.problem.kernel))
    layer = "convolution" if told.transposed else "transposed convolution"
    about = (f"Of the sum of the result. The input's gradient is the {layer} of the result's gradient, here all ones, "
             "with the same kernel; the kernel's gradient adds up, for each tap, the products of what it joined.")
    return Story("gradient", "Gradients: the other layer, run backwards", about, _still(told, view, other, channel),
                 len(taps), lambda number: _step(told, view, channel, taps[number]))


def _place(told: Explanation, channel: int) -> tuple[int, int]:
    """Row and column of the kernel between this output channel and the first input channel that it reads."""
    first, rows = seen(told, channel)[0], told.kernel.shape[-2]
    return (channel % rows, first) if told.transposed else (first % rows, channel)


def _still(told: Explanation, view: KernelGradient, other: Explanation, channel: int) -> Picture:
    before, after = roles_of(told)
    row, column = _place(told, channel)
    first = seen(told, channel)[0]
    up = channel_panels("gradient of the result", other.x, after, [channel], numbered=True)
    down = channel_panels("gradient of the input", other.result, before, [first], numbered=True)
    of_input: tuple[Item, ...] = (*up, "*", *kernels(told, channel)[:1], "→", *down)
    taps = channel_panels("gradient of the kernel", view.result[..., row, column, None], "kernel")
    of_kernel: tuple[Item, ...] = (*channel_panels("input", told.x, before, [first]), "with", *up, "→", *taps)
    return Picture((of_input, of_kernel), "")


def _step(told: Explanation, view: KernelGradient, channel: int, index: Index) -> Picture:
    row, column = _place(told, channel)
    tap = view.tap(index, row, column)
    small, large = {one.coarse_cell for one in tap.meetings}, {one.fine_cell for one in tap.meetings}
    of_fine = column // (view.coarse.shape[-1] // told.problem.groups) * view.result.shape[-2] + row
    line: tuple[Item, ...] = (
        *channel_panels("coarse", view.coarse, "coarse", [column], strong=small), "×",
        *channel_panels("fine", view.fine, "fine", [of_fine], strong=large), "→",
        *channel_panels("gradient of the kernel", view.result[..., row, column, None], "kernel", strong={index}),
    )
    parts = [f"{bracketed(one.coarse)}×{bracketed(one.fine)}" for one in tap.meetings[:16]]
    parts += ["…"] * (len(tap.meetings) > 16)
    return Picture((line,), f"Tap {sentence(index)} joined {times(len(tap.meetings), 'pair')}: "
                            f"{' + '.join(parts) or 'none'} = {said(tap.value)}.")
