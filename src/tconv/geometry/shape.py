"""Sizes back and forth, and every setting that leads from one size to another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from ..errors import ShapeError
from .axis import Axis, whole
from .reach import overlap

__all__ = ["VERDICTS", "Solution", "coarse_sizes", "fine_sizes", "solve", "solve_axis"]


LARGEST = 1000  # times that one layer enlarges, as far as trying every kernel makes sense


def coarse_sizes(axis: Axis, fine: int) -> tuple[int, ...]:
    """The coarse sizes from which a transposed convolution makes `fine` samples: one, or none.

    >>> coarse_sizes(Axis(kernel=4, stride=2, crop=1), 16), coarse_sizes(Axis(kernel=4, stride=2, crop=1), 15)
    ((8,), ())
    """
    size, rest = divmod(fine + axis.lo + axis.hi - axis.reach, axis.stride)
    return () if rest or size < 0 else (size + 1,)


def fine_sizes(axis: Axis, coarse: int) -> tuple[int, ...]:
    """The fine sizes from which a convolution makes `coarse` samples: `stride` of them, less where the crop bites.

    >>> fine_sizes(Axis(kernel=3, stride=2, crop=1), 4)
    (7, 8)
    """
    least = (coarse - 1) * axis.stride + axis.reach - axis.lo - axis.hi
    return tuple(size for size in range(least, least + axis.stride) if size > 0)


VERDICTS = {
    "holes": ("holes: some outputs get nothing but the bias", "holes: some inputs are never read"),
    "uneven": ("uneven overlap: invites a checkerboard",
               "uneven overlap: some inputs are read more often, and their gradients form a checkerboard"),
    "beyond": ("even overlap, but outputs beyond the last stamp hold only the bias",
               "even overlap, but inputs at an end are left out"),
    "shifted": ("even overlap, cropped by one more at one end", "even overlap, padded by one more at one end"),
    "even": ("even overlap", "even overlap"),
}
"""What to expect of a setting, the worst first: of the transposed convolution, and of the convolution."""


@dataclass(frozen=True, slots=True)
class Solution:
    """One setting of an axis that leads from the one size to the other, judged.

    Args:
        axis: the setting.
        overlap: taps that meet in each phase.
    """

    axis: Axis
    overlap: tuple[int, ...]

    @property
    def even(self) -> bool:
        """Whether every phase collects equally many taps: no checkerboard by construction."""
        return len(set(self.overlap)) == 1

    @property
    def holes(self) -> bool:
        """Whether some phase collects nothing: the layer's bias shows there as a grid."""
        return 0 in self.overlap

    @property
    def symmetric(self) -> bool:
        """Whether both ends are cropped alike, as most frameworks and accelerators want it."""
        return self.axis.lo == self.axis.hi

    @property
    def kind(self) -> str:
        """What there is to say of it, a key in `VERDICTS`."""
        if self.holes:
            return "holes"
        if not self.even:
            return "uneven"
        if self.axis.lo < 0 or self.axis.hi < 0:
            return "beyond"
        return "even" if self.symmetric else "shifted"

    @property
    def verdict(self) -> str:
        """One line that says what to expect of the transposed convolution."""
        return VERDICTS[self.kind][0]

    @property
    def rank(self) -> tuple[int, ...]:
        """Sorts the better and simpler settings first."""
        axis = self.axis
        grows = axis.lo < 0 or axis.hi < 0
        return (self.holes, not self.even, grows, not self.symmetric, axis.dilation, axis.kernel, axis.stride)


def _crops(total: int) -> Iterator[tuple[int, int]]:
    if total < 0:
        yield (0, total)
        return
    yield (total // 2, total - total // 2)
    if total % 2:
        yield (total - total // 2, total // 2)


def solve_axis(
    coarse: int, fine: int, *, kernels: Iterable[int] | None = None, strides: Iterable[int] | None = None,
    dilations: Iterable[int] = (1,),
) -> tuple[Solution, ...]:
    """Every setting of one axis whose transposed convolution makes `fine` samples of `coarse`, the best first.

    Args:
        coarse: samples, >= 1.
        fine: samples, >= 1.
        kernels: taps to try; by default 1 to 7 and on to twice the stride.
        strides: samples to try; by default 1 and those near `fine / coarse`.
        dilations: samples to try.

    Returns:
        The settings that fit. The crop is shared between the ends as evenly as it goes, both ways round where it is
        odd, and never cuts a whole kernel's reach from one end.

    Raises:
        SettingError: if a number is not a whole one in its range.
        ShapeError: if `fine` is so much larger than `coarse` that the kernels to try have to be named.

    >>> solve_axis(7, 14)[0].axis
    Axis(kernel=2, stride=2, dilation=1, crop=(0, 0))
    """
    coarse, fine = whole("solve", "coarse", coarse, 1), whole("solve", "fine", fine, 1)
    ratio = fine / coarse
    if kernels is None and ratio > LARGEST:
        raise ShapeError(f"solve: fine is {fine}, more than {LARGEST} times coarse, {coarse}; give the kernels to try.")
    strides = tuple(strides or sorted({1, max(1, math.floor(ratio)), math.ceil(ratio)}))
    kernels = None if kernels is None else tuple(kernels)
    found = []
    for stride, dilation in product(strides, dilations):
        for kernel in kernels or range(1, max(7, 2 * stride) + 1):
            bare = Axis(kernel, stride, dilation)
            for crop in _crops(bare.full(coarse) - fine):
                if max(crop) < bare.reach and min(crop) > -max(stride, dilation):
                    axis = Axis(kernel, stride, dilation, crop)
                    found.append(Solution(axis, overlap(axis)))
    return tuple(sorted(found, key=lambda solution: solution.rank))


def solve(
    coarse: Sequence[int] | int, fine: Sequence[int] | int, **tried: Iterable[int],
) -> tuple[tuple[Solution, ...], ...]:
    """`solve_axis` for each pair of sizes.

    Args:
        coarse: samples per axis, >= 1.
        fine: samples per axis, >= 1.
        tried: `kernels`, `strides`, `dilations` to try on every axis.

    Raises:
        SettingError: if a number is not a whole one in its range.
        ShapeError: if there are not equally many sizes on both sides.

    >>> [axis[0].axis.kernel for axis in solve((7, 7), (14, 21))]
    [2, 3]
    """
    coarse, fine = (sizes if isinstance(sizes, Sequence) else (sizes,) for sizes in (coarse, fine))
    if len(coarse) != len(fine) or not coarse:
        raise ShapeError(f"solve: coarse is {tuple(coarse)} and fine is {tuple(fine)}; give equally many sizes, "
                         "one per axis.")
    return tuple(solve_axis(c, f, **tried) for c, f in zip(coarse, fine, strict=True))
