"""One axis of a layer, and a layer's whole setting: integers, checked once, frozen."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import SettingError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..explain.facts import Explanation

__all__ = ["Axis", "Spec", "per_axis", "whole"]


def whole(where: str, name: str, value: Any, least: int | None = None) -> int:
    """`value` as an int, or a `SettingError` that names it; `least` is the smallest that fits."""
    bound = "" if least is None else f" >= {least}"
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or (least is not None and number < least):
        raise SettingError(f"{where}: {name} is {value!r}, but has to be a whole number{bound}.")
    return number


@dataclass(frozen=True, slots=True)
class Axis:
    """How a coarse and a fine grid meet along one axis: `fine = coarse * stride + tap * dilation - lo`.

    Args:
        kernel: number of taps, >= 1.
        stride: fine samples from one coarse sample to the next, >= 1.
        dilation: fine samples from one tap to the next, >= 1.
        crop: `(lo, hi)`, the samples cut off the full result at its start and its end; a negative
            number adds that many zeros instead. One number stands for both ends.

    Raises:
        SettingError: if a value is not a whole number in its range.

    >>> Axis(kernel=4, stride=2, crop=1).fine(coarse=8)
    16
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    crop: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "dilation"):
            object.__setattr__(self, name, whole("Axis", name, getattr(self, name), 1))
        crop = self.crop if isinstance(self.crop, Sequence) else (self.crop, self.crop)
        if len(crop) != 2:
            raise SettingError(f"Axis: crop is {self.crop!r}, but has to be one number or a pair (lo, hi).")
        object.__setattr__(self, "crop", (whole("Axis", "crop", crop[0]), whole("Axis", "crop", crop[1])))

    @property
    def lo(self) -> int:
        """Samples cut off at the start."""
        return self.crop[0]

    @property
    def hi(self) -> int:
        """Samples cut off at the end."""
        return self.crop[1]

    @property
    def reach(self) -> int:
        """Fine samples from the first tap to the last, both included."""
        return (self.kernel - 1) * self.dilation + 1

    def full(self, coarse: int) -> int:
        """Fine size before the crop, for `coarse` samples; an empty grid has at most the kernel's rest."""
        return max((coarse - 1) * self.stride + self.reach, 0)

    def fine(self, coarse: int) -> int:
        """Fine size that a transposed convolution gives `coarse` samples.

        Raises:
            ShapeError: if the crop leaves nothing.
        """
        size = self.full(coarse) - self.lo - self.hi
        if size < 0 or (size == 0 and coarse > 0):
            raise ShapeError(
                f"conv_transpose: crop {self.crop} leaves nothing of the full size {self.full(coarse)} that {coarse} "
                f"samples give; crop less than {self.full(coarse)} in all."
            )
        return size

    def coarse(self, fine: int) -> int:
        """Coarse size that a convolution, padded by `crop`, gives `fine` samples.

        Raises:
            ShapeError: if the kernel does not fit into the padded samples.
        """
        size = (fine + self.lo + self.hi - self.reach) // self.stride + 1
        if size < 1 and fine > 0:
            raise ShapeError(
                f"conv: the kernel reaches over {self.reach} samples, but {fine} samples padded by {self.crop} are "
                f"{fine + self.lo + self.hi}; bring the padding to {self.reach - fine} or more in all, or take a "
                "smaller kernel."
            )
        return max(size, 0)


def per_axis(where: str, name: str, value: Any, rank: int) -> tuple[Any, ...]:
    """One value per axis: a lone value is repeated, a sequence must have `rank` entries."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,) * rank
    if len(value) != rank:
        axes = "1 axis" if rank == 1 else f"{rank} axes"
        pair = " A pair (lo, hi) for an axis is one entry: ((lo, hi), ...)." if name == "crop" else ""
        raise SettingError(f"{where}: {name} is {value!r}, {len(value)} values for {axes}; give one for all, "
                           f"or {rank}.{pair}")
    return tuple(value)


def _axis(number: int, setting: tuple[Any, ...]) -> Axis:
    try:
        return Axis(*setting)
    except SettingError as error:
        raise SettingError(str(error).replace("Axis", f"axis {number}", 1)) from None


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer's setting: one `Axis` per spatial axis, and how many groups its channels fall into.

    >>> Spec.of(kernel=(3, 5), stride=2, crop=((0, 1), (1, 2))).axes[1]
    Axis(kernel=5, stride=2, dilation=1, crop=(1, 2))
    """

    axes: tuple[Axis, ...]
    groups: int = 1

    def __post_init__(self) -> None:
        if not self.axes or not all(isinstance(axis, Axis) for axis in self.axes):
            raise SettingError(f"Spec: axes is {self.axes!r}, but has to be one Axis or more.")
        object.__setattr__(self, "axes", tuple(self.axes))
        object.__setattr__(self, "groups", whole("Spec", "groups", self.groups, 1))

    @classmethod
    def of(cls, kernel: Sequence[int], *, stride: Any = 1, dilation: Any = 1, crop: Any = 0, groups: int = 1) -> Spec:
        """A setting from one value for all axes, or one for each.

        Args:
            kernel: taps per axis; its length is the number of axes.
            stride: samples, one for all axes or one each.
            dilation: samples, one for all axes or one each.
            crop: samples cut off at both ends of every axis, or one entry per axis: a number, or a pair `(lo, hi)`.
            groups: how many groups the channels fall into.

        Raises:
            SettingError: if a value does not fit, or there are too few or too many.
        """
        if not isinstance(kernel, Sequence) or not kernel:
            raise SettingError(f"Spec: kernel is {kernel!r}, but has to be a sequence, one entry per axis, as (3, 3).")
        rank = len(kernel)
        columns = (per_axis("Spec", name, value, rank) for name, value in
                   (("stride", stride), ("dilation", dilation), ("crop", crop)))
        return cls(tuple(_axis(*row) for row in enumerate(zip(kernel, *columns, strict=True))), groups)

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.axes)

    def explain(self, x: ArrayLike, kernel: ArrayLike | None = None, *, transposed: bool = True,
                bias: ArrayLike | None = None) -> Explanation:
        """What a layer of this setting does with one sample, number by number.

        Args:
            x: the input, shape `(*I, C)`, or `I` where there is one channel.
            kernel: shape `(*K, D / groups, C)`, or `K` where there is one channel; by default 1, 2, 3, ...
            transposed: which of the two layers.
            bias: one number for each output channel.

        Raises:
            ShapeError: if the arrays do not fit the setting, or hold something else than finite real numbers.

        >>> Spec.of(kernel=(2,), stride=2).explain([1, 2], [1, 1]).result.ravel()
        array([1, 1, 2, 2])
        """
        from ..explain.facts import explained

        return explained(self, x, kernel, transposed=transposed, bias=bias)

    def _repr_html_(self) -> str:
        """In a notebook: the setting as a picture, on three cells for each axis."""
        from ..explain.notebook import setting_html

        return setting_html(self)
