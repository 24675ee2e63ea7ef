"""The kernel's gradient, tap by tap: how often a tap joined a fine and a coarse cell, weighted by both."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ..geometry import Problem
from ..methods import kernel_gradient
from ..methods.channels import Array
from .cells import Index, Number

__all__ = ["KernelGradient", "Meeting", "Tap"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """One product of a tap's gradient: a coarse and a fine cell that the tap joins."""

    coarse_cell: Index
    fine_cell: Index
    coarse: Number
    fine: Number
    product: Number


@dataclass(frozen=True, slots=True)
class Tap:
    """One number of the kernel's gradient, and all that went into it."""

    index: Index
    row: int
    column: int
    meetings: tuple[Meeting, ...]
    value: Number


@dataclass(frozen=True)
class KernelGradient:
    """The gradient of the kernel, the same for both layers.

    Args:
        problem: the setting met by its sizes.
        coarse: a transposed convolution's input, or the gradient of a convolution's result; `(*coarse, C)`.
        fine: the gradient of a transposed convolution's result, or a convolution's input; `(*fine, D)`.
        result: shape `(*K, D / groups, C)`.
    """

    problem: Problem
    coarse: Array
    fine: Array
    result: Array

    @classmethod
    def of(cls, problem: Problem, coarse: Array, fine: Array) -> KernelGradient:
        """The gradient for arrays without a batch."""
        return cls(problem, coarse, fine, kernel_gradient(fine[None], coarse[None], problem))

    def tap(self, index: Index, row: int = 0, column: int = 0) -> Tap:
        """One tap's gradient between fine channel `row` of the group and coarse channel `column`."""
        group = column // (self.coarse.shape[-1] // self.problem.groups)
        channel = group * self.result.shape[-2] + row
        spans = [self.problem.span(axis, at) for axis, at in enumerate(index)]
        pairs = [list(zip(range(*a.indices(2**62)), range(*b.indices(2**62)), strict=True)) for a, b in spans]
        met = []
        for found in product(*pairs):
            small, large = tuple(a for a, _ in found), tuple(b for _, b in found)
            x, y = self.coarse[(*small, column)].item(), self.fine[(*large, channel)].item()
            met.append(Meeting(small, large, x, y, x * y))
        return Tap(tuple(index), row, column, tuple(met), sum(one.product for one in met))
