"""What the words of all frameworks come down to: how much of the full result is cut off, or which size is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import SettingError, ShapeError
from ..geometry import Axis, Problem, Spec, per_axis, problem_from_coarse, problem_from_fine, whole

__all__ = [
    "Crop", "Crops", "around", "cropped", "extended", "fitting", "from_crops", "from_pads", "growths",
    "named", "pairs", "same", "same_conv", "to_size",
]

Crop = tuple[int, int]
Crops = tuple[Crop, ...]


def around(total: int) -> Crop:
    """A total crop shared between both ends, an odd sample at the end; what is missing is added at the end.

    >>> around(3), around(-1)
    ((1, 2), (0, -1))
    """
    lo = max(total, 0) // 2
    return lo, total - lo


def named(where: str, padding: Any, names: Sequence[str]) -> str | None:
    """A padding's name in lower case, or None for numbers.

    Raises:
        SettingError: if it is a string, but none of `names`.
    """
    if not isinstance(padding, str):
        return None
    if padding.lower() not in [name.lower() for name in names]:
        known = ", ".join(map(repr, names))
        raise SettingError(f"{where}: padding is {padding!r}, but has to be {known}, a number, or one entry per axis.")
    return padding.lower()


def pairs(where: str, padding: Any, rank: int) -> Crops:
    """One `(lo, hi)` for each axis, from one number for all, or an entry per axis: a number or a pair.

    >>> pairs("conv", (1, (0, 2)), 2)
    ((1, 1), (0, 2))
    """
    return tuple(Axis(1, crop=entry).crop for entry in per_axis(where, "padding", padding, rank))


def cropped(spec: Spec, crops: Sequence[Crop]) -> Spec:
    """The setting with another crop."""
    return replace(spec, axes=tuple(replace(axis, crop=crop) for axis, crop in zip(spec.axes, crops, strict=True)))


def same(spec: Spec) -> Crops:
    """The crop that leaves `coarse * stride` samples."""
    return tuple(around(axis.reach - axis.stride) for axis in spec.axes)


def extended(where: str, spec: Spec, crops: Crops, output_padding: Any) -> Crops:
    """The crop with `output_padding` samples more left at the end; less than the stride or the dilation.

    Raises:
        SettingError: if it is out of that range.
    """
    more = growths(where, spec, output_padding)
    return tuple((lo, hi - entry) for (lo, hi), entry in zip(crops, more, strict=True))


def growths(where: str, spec: Spec, output_padding: Any) -> tuple[int, ...]:
    """One output_padding for each axis, less than the stride or the dilation."""
    rows = zip(spec.axes, per_axis(where, "output_padding", output_padding, spec.rank), strict=True)
    return tuple(fitting(where, more, max(axis.stride, axis.dilation), "its stride or its dilation")
                 for axis, more in rows)


def fitting(where: str, more: Any, limit: int, what: str) -> int:
    """`more` as an output_padding below `limit`."""
    if whole(where, "output_padding", more, 0) >= limit:
        raise SettingError(f"{where}: output_padding is {more}, but has to be less than {what}, {limit}; "
                           "for more samples take a smaller crop.")
    return int(more)


def to_size(where: str, spec: Spec, crops: Crops | None, coarse: Sequence[int], output_size: Any) -> Problem:
    """The problem that ends at a wanted size, one of the `stride` sizes that a convolution takes to `coarse`.

    Args:
        where: the caller's name, for messages.
        spec: the setting without a crop.
        crops: the crop that leaves the least size; the rest goes to the end. None is 'same': sizes up to
            `coarse * stride`, cropped evenly from both ends.
        coarse: samples per axis.
        output_size: samples per axis.

    Raises:
        ShapeError: if the size is out of reach.
    """
    found = []
    coarse = per_axis(where, "coarse", coarse, spec.rank)
    sizes = per_axis(where, "output_size", output_size, spec.rank)
    for number, (axis, size, wanted) in enumerate(zip(spec.axes, coarse, sizes, strict=True)):
        full = axis.full(size)
        least = (size - 1) * axis.stride + 1 if crops is None else full - sum(crops[number])
        least, most = max(least, 0), least + axis.stride - 1
        if not least <= whole(where, "output_size", wanted) <= most:
            raise ShapeError(f"{where}: output_size is {wanted} on axis {number}, but {size} samples give {least} to "
                             f"{most} there; change the padding or the stride for other sizes.")
        lo = around(full - wanted)[0] if crops is None else crops[number][0]
        found.append((lo, full - wanted - lo))
    return problem_from_coarse(cropped(spec, found), coarse)


def same_conv(spec: Spec, fine: Sequence[int], *, lower: bool = False) -> Crops:
    """The zeros around a convolution's input that make `ceil(fine / stride)` samples, an odd one at the end."""
    found = []
    for axis, size in zip(spec.axes, per_axis("conv", "fine", fine, spec.rank), strict=True):
        total = max((-(-size // axis.stride) - 1) * axis.stride + axis.reach - size, 0)
        less, more = total // 2, total - total // 2
        found.append((more, less) if lower else (less, more))
    return tuple(found)


def from_crops(spec: Spec, crops: Crops, coarse: Sequence[int]) -> Problem:
    """The problem of a transposed convolution that cuts `crops` off."""
    return problem_from_coarse(cropped(spec, crops), coarse)


def from_pads(spec: Spec, crops: Crops, fine: Sequence[int]) -> Problem:
    """The problem of a convolution that puts `crops` zeros around its input."""
    return problem_from_fine(cropped(spec, crops), fine)
