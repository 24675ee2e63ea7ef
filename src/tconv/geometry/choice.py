"""Whole layers that lead from sizes to sizes: one setting for all axes, the best first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from ..errors import ShapeError
from .axis import Spec
from .problem import Problem, problem_from_coarse
from .shape import VERDICTS, Solution, solve

__all__ = ["Setting", "settings"]

MOST = 100_000  # combinations of axes, as far as a list of all makes sense


@dataclass(frozen=True, slots=True)
class Setting:
    """One solution for each axis, judged by the worst of them.

    Args:
        solutions: per axis.
        groups: how many groups the channels fall into.
    """

    solutions: tuple[Solution, ...]
    groups: int = 1

    @property
    def spec(self) -> Spec:
        """The layer's setting."""
        return Spec(tuple(solution.axis for solution in self.solutions), self.groups)

    @property
    def kind(self) -> str:
        """What there is to say of it, a key in `VERDICTS`."""
        kinds = list(VERDICTS)
        return kinds[min(kinds.index(solution.kind) for solution in self.solutions)]

    def verdict(self, *, transposed: bool = True) -> str:
        """One line that says what to expect of the layer, or of the convolution with its setting."""
        return VERDICTS[self.kind][not transposed]

    def problem(self, coarse: Sequence[int]) -> Problem:
        """The setting met by the coarse sizes that it was found for."""
        return problem_from_coarse(self.spec, coarse)

    @property
    def rank(self) -> tuple[int, ...]:
        """Sorts the better and simpler settings first, those alike on all axes before others."""
        *flags, dilation, kernel, stride = map(sum, zip(*(solution.rank for solution in self.solutions), strict=True))
        alike = len({(one.axis.kernel, one.axis.stride, one.axis.dilation) for one in self.solutions})
        return (*flags, alike, dilation, kernel, stride)


def settings(coarse: Sequence[int] | int, fine: Sequence[int] | int, *, groups: int = 1, **tried: Iterable[int],
             ) -> tuple[Setting, ...]:
    """Every setting whose transposed convolution leads from the one sizes to the others, the best first.

    Its convolution leads back. Axes with the same sizes have the same setting; others are combined.

    Args:
        coarse: samples per axis, >= 1.
        fine: samples per axis, >= 1.
        groups: how many groups the channels fall into.
        tried: `kernels`, `strides`, `dilations` to try on every axis.

    Raises:
        SettingError: if a number is not a whole one in its range.
        ShapeError: if there are not equally many sizes on both sides, or too many combinations.

    >>> [axis.crop for axis in settings((25, 25), (50, 51), kernels=(4,))[0].spec.axes]
    [(1, 1), (0, 1)]
    """
    found = solve(coarse, fine, **tried)
    coarse, fine = (sizes if isinstance(sizes, Sequence) else (sizes,) for sizes in (coarse, fine))
    pairs = list(zip(coarse, fine, strict=True))
    apart = {pair: found[pairs.index(pair)] for pair in dict.fromkeys(pairs)}
    count = math.prod(map(len, apart.values()))
    if count > MOST:
        raise ShapeError(f"solve: {count:,} combinations of the axes' settings are too many to list; give fewer "
                         "kernels or strides to try.")
    every = (dict(zip(apart, chosen, strict=True)) for chosen in product(*apart.values()))
    whole = (Setting(tuple(chosen[pair] for pair in pairs), groups) for chosen in every)
    return tuple(sorted(whole, key=lambda setting: setting.rank))
