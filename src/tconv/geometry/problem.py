"""A setting met by real sizes: what every method and the engine take."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import SettingError, ShapeError, SizeError
from .axis import Axis, Spec, per_axis, whole

__all__ = ["Extent", "Problem", "problem_from_coarse", "problem_from_fine"]


class Extent(NamedTuple):
    """What arrays bring to a problem: the batch and the channels on either side."""

    batch: int
    coarse_channels: int
    fine_channels: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Which coarse cells, taps and fine cells meet: `fine = coarse * stride + tap * dilation - lo`, one entry per axis.

    One problem serves a call and all its gradients. It holds no batch and no channels: those are in the arrays.
    Made by `problem_from_coarse` and `problem_from_fine`, which check what they are given.

    >>> problem = problem_from_coarse(Spec.of(kernel=(3,), stride=2), (3,))
    >>> problem.fine, problem.hi
    ((7,), (0,))
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    lo: tuple[int, ...]
    coarse: tuple[int, ...]
    fine: tuple[int, ...]
    groups: int = 1

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    @property
    def hi(self) -> tuple[int, ...]:
        """Samples cut off at the end of each axis; negative where zeros were added."""
        rows = zip(self.kernel, self.stride, self.dilation, self.lo, self.coarse, self.fine, strict=True)
        return tuple(max((i - 1) * s + (k - 1) * d + 1, 0) - lo - o for k, s, d, lo, i, o in rows)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes with the crop that these sizes amount to."""
        rows = zip(self.kernel, self.stride, self.dilation, zip(self.lo, self.hi, strict=True), strict=True)
        return tuple(Axis(*row) for row in rows)

    def span(self, axis: int, tap: int) -> tuple[slice, slice]:
        """The coarse cells that a tap joins to the fine grid, and the fine cells that they meet, as two slices.

        >>> problem_from_coarse(Spec.of(kernel=(3,), stride=2, crop=1), (3,)).span(0, tap=0)
        (slice(1, 3, None), slice(1, 4, 2))
        """
        s = self.stride[axis]
        shift = tap * self.dilation[axis] - self.lo[axis]
        first = max(0, -(shift // s))
        last = min(self.coarse[axis] - 1, (self.fine[axis] - 1 - shift) // s)
        if last < first:
            return slice(0, 0), slice(0, 0)
        return slice(first, last + 1), slice(first * s + shift, last * s + shift + 1, s)

    def extent(
        self,
        where: str,
        *,
        coarse: Sequence[int] | None = None,
        fine: Sequence[int] | None = None,
        kernel: Sequence[int] | None = None,
    ) -> Extent:
        """The batch and channels that two of the three arrays' shapes agree on.

        Args:
            where: the caller's name, for the message.
            coarse: shape `(N, *coarse, C)`.
            fine: shape `(N, *fine, D)`.
            kernel: shape `(*K, D / groups, C)`.

        Raises:
            ShapeError: if a shape is not the one that this problem describes, or two do not fit each other.
        """
        batch: int | None = None
        channels: dict[str, int | None] = {"coarse": None, "fine": None}
        for grid, shape in (("coarse", coarse), ("fine", fine)):
            if shape is None:
                continue
            sizes = getattr(self, grid)
            if len(shape) != self.rank + 2 or tuple(shape[1:-1]) != sizes:
                want = ", ".join(["N", *map(str, sizes), "C"])
                raise ShapeError(f"{where}: the {grid} array has shape {tuple(shape)}, but the problem wants ({want}).")
            if shape[-1] % self.groups:
                raise ShapeError(f"{where}: {shape[-1]} channels (last axis of the {grid} array, {tuple(shape)}) do "
                                 f"not fall into groups={self.groups}; take a group count that divides them.")
            if batch not in (None, shape[0]):
                raise ShapeError(f"{where}: the coarse array has a batch of {batch}, the fine one of {shape[0]}; "
                                 "they have to be the same.")
            batch, channels[grid] = shape[0], shape[-1]
        if kernel is not None:
            self._meet_kernel(where, tuple(kernel), channels)
        return Extent(batch, channels["coarse"], channels["fine"])  # type: ignore[arg-type]

    def _meet_kernel(self, where: str, kernel: tuple[int, ...], channels: dict[str, int | None]) -> None:
        layout = ("The kernel is laid out (*K, fine channels / groups, coarse channels); tconv.conventions turns "
                  "other layouts into it.")
        if len(kernel) != self.rank + 2 or kernel[:-2] != self.kernel:
            taps = ", ".join(map(str, self.kernel))
            raise ShapeError(f"{where}: the kernel has shape {kernel}, but the problem wants ({taps}, D / groups, C). "
                             + layout)
        takes = {"coarse": kernel[-1], "fine": kernel[-2] * self.groups}
        axis = {"coarse": "last", "fine": "last but one"}
        for grid, has in channels.items():
            if has not in (None, takes[grid]):
                times = f", times groups={self.groups}" if grid == "fine" and self.groups > 1 else ""
                raise ShapeError(f"{where}: the {grid} array has {has} channels, but the kernel takes {takes[grid]} "
                                 f"({axis[grid]} axis of {kernel}{times}). {layout}")
        if kernel[-1] % self.groups:
            raise ShapeError(f"{where}: {kernel[-1]} channels (last axis of the kernel, {kernel}) do not fall into "
                             f"groups={self.groups}; take a group count that divides them.")
        channels.update(takes)

    def check_memory(self, where: str, extent: Extent, itemsize: int) -> None:
        """Refuse a problem whose arrays exceed this machine's memory, before any of them is made.

        Raises:
            SizeError: with the memory that it would need.
        """
        batch, ins, outs = extent
        cells = batch * (math.prod(self.coarse) * ins + math.prod(self.fine) * outs)
        need = (cells + math.prod(self.kernel) * outs // self.groups * ins) * itemsize
        if need > MEMORY:
            raise SizeError(f"{where}: arrays of coarse {self.coarse} and fine {self.fine} with {ins} and {outs} "
                            f"channels and a batch of {batch} need {need / 2**30:,.1f} GiB; this machine has "
                            f"{MEMORY / 2**30:,.1f} GiB. Take a smaller batch, size or stride.")


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**46


MEMORY = _physical_memory()


def _sizes(where: str, name: str, sizes: Sequence[int] | int, spec: Spec) -> tuple[int, ...]:
    try:
        return tuple(whole(where, name, size, 0) for size in per_axis(where, name, sizes, spec.rank))
    except SettingError as error:
        raise ShapeError(str(error)) from None


def _problem(spec: Spec, lo: tuple[int, ...], coarse: tuple[int, ...], fine: tuple[int, ...]) -> Problem:
    kernel, stride, dilation = zip(*((a.kernel, a.stride, a.dilation) for a in spec.axes), strict=True)
    return Problem(kernel, stride, dilation, lo, coarse, fine, spec.groups)


def problem_from_coarse(
    spec: Spec, coarse: Sequence[int], *, output_size: Sequence[int] | int | None = None,
) -> Problem:
    """The problem of a transposed convolution on a coarse grid.

    Args:
        spec: the setting.
        coarse: samples per axis, >= 0.
        output_size: samples per axis of the fine grid, from the setting's own up to `max(stride, dilation) - 1` more:
            those share the coarse size. By default the setting's own.

    Raises:
        ShapeError: if the sizes do not fit the setting, or the output size is out of reach.
    """
    coarse = _sizes("conv_transpose", "coarse", coarse, spec)
    fine = tuple(axis.fine(size) for axis, size in zip(spec.axes, coarse, strict=True))
    if output_size is not None:
        wanted = _sizes("conv_transpose", "output_size", output_size, spec)
        for number, (axis, least, size) in enumerate(zip(spec.axes, fine, wanted, strict=True)):
            most = least + max(axis.stride, axis.dilation) - 1
            if not least <= size <= most:
                can = f"{least}" if least == most else f"{least} to {most}"
                raise ShapeError(f"conv_transpose: output_size is {size} on axis {number}, but {coarse[number]} "
                                 f"samples can give {can} there; change the crop or the stride for other sizes.")
        fine = wanted
    return _problem(spec, tuple(axis.lo for axis in spec.axes), coarse, fine)


def problem_from_fine(spec: Spec, fine: Sequence[int]) -> Problem:
    """The problem of a convolution on a fine grid that is padded by the setting's crop.

    Raises:
        ShapeError: if the sizes do not fit the setting, or the kernel does not fit into them.
    """
    fine = _sizes("conv", "fine", fine, spec)
    coarse = tuple(axis.coarse(size) for axis, size in zip(spec.axes, fine, strict=True))
    return _problem(spec, tuple(axis.lo for axis in spec.axes), coarse, fine)
