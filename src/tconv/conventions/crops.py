"""What the words of all frameworks come down to: how much of the full result is cut off, or which size is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import SettingError, ShapeError
from ..geometry import Axis, Problem, Spec, per_axis, problem_from_coarse, problem_from_fine, whole

__all__ = [
    "Crop", "Crops", "around", "begin_end", "cropped", "effective", "extended", "fitting", "from_crops", "from_pads",
    "growths", "named", "pads_name", "pads_of", "pairs", "same", "symmetric",
    "to_size", "transposed_crops", "unsigned", "wanting_sizes",
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
    """The crop of a transposed convolution that leaves `coarse * stride` samples."""
    return tuple(around(axis.reach - axis.stride) for axis in spec.axes)


def valid(spec: Spec) -> Crops:
    """The crop of a transposed convolution that cuts nothing, and leaves a stride at least for each coarse sample."""
    return tuple((0, min(axis.reach - axis.stride, 0)) for axis in spec.axes)


TRANSPOSED: dict[str, Callable[[Spec], Crops]] = {"same": same, "valid": valid}


def transposed_crops(where: str, spec: Spec, padding: Any, names: Sequence[str]) -> Crops:
    """The crop that a transposed convolution's padding stands for; it does not depend on the size.

    Args:
        where: the caller's name, for messages.
        spec: the setting without a crop.
        padding: one of `names`, or numbers as in `pairs`, which are the crop itself.
        names: those in `TRANSPOSED` that the framework has, spelled as it does.

    >>> transposed_crops("lax", Spec.of((3,), stride=2), "SAME", ("SAME", "VALID"))
    ((0, 1),)
    """
    name = named(where, padding, names)
    return pairs(where, padding, spec.rank) if name is None else TRANSPOSED[name](spec)


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


def _none(where: str, spec: Spec, fine: Sequence[int] | None) -> Crops:
    return ((0, 0),) * spec.rank


def _same_upper(where: str, spec: Spec, fine: Sequence[int] | None) -> Crops:
    """The zeros that make `ceil(fine / stride)` samples, an odd one at the end."""
    if fine is None and any(axis.stride > 1 for axis in spec.axes):
        raise wanting_sizes(where, "padding is 'same' with a stride, whose zeros depend")
    sizes = per_axis("conv", "fine", 1 if fine is None else fine, spec.rank)
    totals = (max((-(-size // axis.stride) - 1) * axis.stride + axis.reach - size, 0)
              for axis, size in zip(spec.axes, sizes, strict=True))
    return tuple(map(around, totals))


def _same_lower(where: str, spec: Spec, fine: Sequence[int] | None) -> Crops:
    return tuple((hi, lo) for lo, hi in _same_upper(where, spec, fine))


def _causal(where: str, spec: Spec, fine: Sequence[int] | None) -> Crops:
    if spec.rank != 1:
        raise SettingError(f"{where}: padding is 'causal' on {spec.rank} axes, but that is for one axis; give a pair "
                           "(lo, hi) for each axis.")
    return ((spec.axes[0].reach - 1, 0),)


CONVOLUTION: dict[str, Callable[[str, Spec, Sequence[int] | None], Crops]] = {
    "valid": _none, "same": _same_upper, "same_upper": _same_upper, "same_lower": _same_lower, "causal": _causal,
}


def pads_of(where: str, spec: Spec, padding: Any, fine: Sequence[int] | None, names: Sequence[str]) -> Crops:
    """The zeros around a convolution's input that a padding stands for.

    Args:
        where: the caller's name, for messages.
        spec: the setting without a crop.
        padding: one of `names`, or numbers as in `pairs`.
        fine: input samples per axis; 'same' with a stride depends on them.
        names: those in `CONVOLUTION` that the framework has, spelled as it does.

    >>> pads_of("conv", Spec.of((3,), stride=2), "same", (8,), ("valid", "same"))
    ((0, 1),)
    """
    name = named(where, padding, names)
    return pairs(where, padding, spec.rank) if name is None else CONVOLUTION[name](where, spec, fine)


def pads_name(spec: Spec, fine: Sequence[int] | None, names: Sequence[str]) -> str | None:
    """The first of these names that comes to a convolution's padding, or None.

    >>> pads_name(Spec.of((3,), crop=1), None, ("VALID", "SAME"))
    'SAME'
    """
    for name in names:
        try:
            pads = CONVOLUTION[name.lower()]("conv", spec, fine)
        except SettingError:
            continue  # 'same' with a stride, and no sizes
        rows = zip(pads, spec.axes, effective(spec, fine), strict=True)
        if all(lo == axis.lo and hi in ends for (lo, hi), axis, ends in rows):
            return name
    return None


def wanting_sizes(where: str, what: str) -> SettingError:
    """What to raise where words depend on the input."""
    return SettingError(f"{where}: {what} on the input; give the input's sizes (at the command line, --sizes 28x28).")


def begin_end(where: str, pads: Any, rank: int) -> Crops:
    """`[b1, b2, ..., e1, e2, ...]` as one `(lo, hi)` for each axis.

    >>> begin_end("onnx", [0, 1, 2, 3], 2)
    ((0, 2), (1, 3))
    """
    flat = per_axis(where, "pads", pads, 2 * rank)
    return tuple(Axis(1, crop=pair).crop for pair in zip(flat[:rank], flat[rank:], strict=True))


def effective(spec: Spec, fine: Sequence[int] | None) -> tuple[range, ...]:
    """The zeros at each axis' end that come to the same convolution: a stride may leave up to `stride - 1` over.

    >>> effective(Spec.of((3,), stride=2, crop=1), (8,))
    (range(0, 2),)
    """
    if fine is None:
        return tuple(range(axis.hi, axis.hi + 1) for axis in spec.axes)
    least = problem_from_fine(spec, fine).hi
    return tuple(range(hi, hi + axis.stride) for hi, axis in zip(least, spec.axes, strict=True))


def symmetric(spec: Spec, fine: Sequence[int] | None) -> tuple[int | None, ...]:
    """The zeros that each axis may have at both ends alike, None where it may not; never negative."""
    return tuple(axis.lo if axis.lo >= 0 and axis.lo in ends else None
                 for axis, ends in zip(spec.axes, effective(spec, fine), strict=True))


def unsigned(spec: Spec, fine: Sequence[int] | None) -> tuple[Crop | None, ...]:
    """The zeros that each axis may have before and after it, None where that takes a negative number."""
    rows = zip(spec.axes, effective(spec, fine), strict=True)
    return tuple((axis.lo, _least(axis.hi, ends)) if axis.lo >= 0 and ends[-1] >= 0 else None for axis, ends in rows)


def _least(hi: int, ends: range) -> int:
    """The zeros at an end as they were said, or else the fewest that are no negative number."""
    return hi if hi >= 0 else max(ends[0], 0)


def from_crops(spec: Spec, crops: Crops, coarse: Sequence[int]) -> Problem:
    """The problem of a transposed convolution that cuts `crops` off."""
    return problem_from_coarse(cropped(spec, crops), coarse)


def from_pads(spec: Spec, crops: Crops, fine: Sequence[int]) -> Problem:
    """The problem of a convolution that puts `crops` zeros around its input."""
    return problem_from_fine(cropped(spec, crops), fine)
