"""How many products meet in each cell: in one layer, and through a stack of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from ..errors import ShapeError
from ..geometry import Problem, Spec, coverage, overlap, problem_from_coarse, problem_from_fine
from ..methods.channels import Array

__all__ = ["Overlap", "Stack", "overlap_of", "stack"]


@dataclass(frozen=True)
class Overlap:
    """How many `(coarse cell, tap)` pairs meet in each fine cell of one layer.

    Args:
        axes: along each axis, ends included; the counts are their outer product.
        phases: along each axis for each phase, away from the ends.
    """

    axes: tuple[tuple[int, ...], ...]
    phases: tuple[tuple[int, ...], ...]

    @cached_property
    def counts(self) -> Array:
        """For every fine cell, shape `fine`."""
        return outer(self.axes)

    @property
    def even(self) -> bool:
        """Whether all cells away from the ends collect equally many products: no checkerboard by construction."""
        return all(len(set(phases)) == 1 for phases in self.phases)


@dataclass(frozen=True)
class Stack:
    """How many paths lead from the input of a stack to each cell after every layer.

    Args:
        sizes: samples per axis before the first layer and after each.
        axes: the paths along each axis, before the first layer and after each.
    """

    sizes: tuple[tuple[int, ...], ...]
    axes: tuple[tuple[tuple[int, ...], ...], ...]

    @cached_property
    def counts(self) -> tuple[Array, ...]:
        """The paths to every cell, before the first layer and after each; shapes as in `sizes`."""
        return tuple(outer(axes) for axes in self.axes)


def outer(axes: Sequence[Sequence[int]]) -> Array:
    """The outer product of one vector for each axis, as exact integers."""
    return reduce(np.multiply.outer, (np.array(axis, object if max(axis, default=0) > 2**30 else int) for axis in axes))


def overlap_of(problem: Problem) -> Overlap:
    """The overlap counts of one layer.

    >>> overlap_of(problem_from_coarse(Spec.of(kernel=(3,), stride=2), (3,))).axes
    ((1, 1, 2, 1, 2, 1, 1),)
    """
    return Overlap(coverage(problem), tuple(overlap(axis) for axis in problem.axes))


def stack(layers: Sequence[tuple[Spec, bool]], sizes: Sequence[int]) -> Stack:
    """Count the paths through a stack of layers: what an input of ones becomes under kernels of ones.

    Args:
        layers: each a setting, and whether it is transposed. A nearest-neighbour resize is a transposed layer whose
            kernel is its stride.
        sizes: input samples per axis.

    Raises:
        ShapeError: if the settings have different numbers of axes, or the sizes do not fit one of them.

    >>> uneven = (Spec.of(kernel=(3,), stride=2, crop=1), True)
    >>> stack([uneven, uneven], (3,)).axes[-1]
    ((1, 3, 2, 3, 1, 3, 2, 3, 1),)
    """
    sizes = tuple(sizes)
    every, paths = [sizes], [tuple((1,) * size for size in sizes)]
    for number, (spec, transposed) in enumerate(layers):
        if spec.rank != len(sizes):
            raise ShapeError(f"stack: layer {number} has {spec.rank} axes, but the sizes are {sizes}; give as many.")
        problem = (problem_from_coarse if transposed else problem_from_fine)(spec, every[-1])
        paths.append(tuple(_through(problem, axis, transposed, before) for axis, before in enumerate(paths[-1])))
        every.append(problem.fine if transposed else problem.coarse)
    return Stack(tuple(every), tuple(paths))


def _through(problem: Problem, axis: int, transposed: bool, before: Sequence[int]) -> tuple[int, ...]:
    after = [0] * (problem.fine if transposed else problem.coarse)[axis]
    for tap in range(problem.kernel[axis]):
        coarse, fine = (range(*span.indices(2**62)) for span in problem.span(axis, tap))
        for small, large in zip(coarse, fine, strict=True):
            source, target = (small, large) if transposed else (large, small)
            after[target] += before[source]
    return tuple(after)
