"""What a framework's words reach of a setting; where they do not, the sentence that names what is exactly equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import UnsupportedError
from ..geometry import Axis, Spec
from .convention import Sizes, columns
from .crops import Crops, symmetric, unsigned

__all__ = [
    "begin_end_more", "groups_unsupported", "padding_and_more", "symmetric_padding",
    "unsigned_padding", "unsupported_crop", "unsupported_dilation", "zero_taps",
]


def groups_unsupported(name: str, spec: Spec, cure: str) -> None:
    """Refuse groups where a framework has none."""
    if spec.groups > 1:
        raise UnsupportedError(f"{name}: groups is {spec.groups}, but this layer has none; {cure}, or write the "
                               f"kernel out with zeros between the groups (conventions.block_diagonal).")


def unsupported_dilation(name: str, said: str, since: str) -> UnsupportedError:
    """What to raise for a dilation that a framework cannot say."""
    return UnsupportedError(f"{name}: {said} cannot be said, since {since}; write the dilation out as zeros between "
                            "the taps (conventions.write_out_dilation).")


def unsupported_crop(name: str, axis: Axis, number: int, says: str, *, transposed: bool = True) -> UnsupportedError:
    """What to raise for a crop that a framework cannot say: what it can, and what is exactly equal."""
    lo, hi = axis.crop
    cures = [_tap_cure(axis)] if lo != hi or lo < 0 else []
    if min(lo, hi) >= 0:
        cures.append(f"crop nothing and slice [{lo or ''}:{-hi if hi else ''}] afterwards" if transposed else
                     f"put the zeros around the input first, np.pad(x, {axis.crop}), and pad nothing in the layer")
    word = "crop" if transposed else "padding"
    setting = f"{word} ({lo}, {hi}) on axis {number} with kernel {axis.kernel} and stride {axis.stride}"
    return UnsupportedError(f"{name}: {setting} cannot be said, since {says}; {', or '.join(cures)}.")


def _tap_cure(axis: Axis) -> str:
    if (axis.hi - axis.lo) % axis.dilation:
        return f"write dilation {axis.dilation} out as zeros between the taps first (conventions.write_out_dilation)"
    counts = zip(zero_taps(axis), ("before", "after"), strict=True)
    ends = [f"{count} zero tap{'s' * (count > 1)} {end} the kernel" for count, end in counts if count]
    crop = axis.lo + zero_taps(axis)[0] * axis.dilation
    return f"put {' and '.join(ends)} (conventions.leading_zero_tap), which makes the crop ({crop}, {crop})"


def zero_taps(axis: Axis) -> tuple[int, int]:
    """How many zero taps before and after the kernel make the crop the same at both ends, and not negative.

    Each shifts its end by the dilation, which has to divide the difference of the ends.

    >>> zero_taps(Axis(kernel=3, stride=2, crop=(0, 1)))
    (1, 0)
    """
    before, after = (max(axis.hi - axis.lo, 0) // axis.dilation, max(axis.lo - axis.hi, 0) // axis.dilation)
    both = max(-(max(axis.lo, axis.hi) // axis.dilation), 0)
    return before + both, after + both


def padding_and_more(name: str, spec: Spec) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The padding at both ends and the output_padding, less than the stride or the dilation, that leave this crop.

    Raises:
        UnsupportedError: if none do; `name` is whose they are.
    """
    for number, axis in enumerate(spec.axes):
        if axis.lo < 0 or not 0 <= axis.lo - axis.hi < max(axis.stride, axis.dilation):
            raise unsupported_crop(name, axis, number, "padding cuts both ends alike, and output_padding, less than "
                                   "the stride or the dilation, only gives back at the end")
    crops = columns(spec)[3]
    return tuple(lo for lo, _ in crops), tuple(lo - hi for lo, hi in crops)


def begin_end_more(name: str, spec: Spec) -> tuple[list[int], list[int], list[int]]:
    """Pads at the start and the end, not negative, and the output_padding, less than the stride, that leave this crop.

    Raises:
        UnsupportedError: if none do.
    """
    for number, axis in enumerate(spec.axes):
        if axis.lo < 0 or axis.hi <= -axis.stride:
            raise unsupported_crop(name, axis, number, "pads are not negative, and output_padding, less than the "
                                                       "stride, only adds at the end")
    crops = columns(spec)[3]
    return [lo for lo, _ in crops], [max(hi, 0) for _, hi in crops], [max(-hi, 0) for _, hi in crops]


def symmetric_padding(name: str, spec: Spec, sizes: Sizes, says: str) -> tuple[int, ...]:
    """The zeros around both ends of a convolution's input alike, one number for each axis.

    Raises:
        UnsupportedError: if there are none; `says` is what the framework has.
    """
    found = symmetric(spec, sizes)
    return tuple(_reached(name, spec, found, says))


def unsigned_padding(name: str, spec: Spec, sizes: Sizes, says: str = "pads are not negative") -> Crops:
    """The zeros before and after a convolution's input, not negative.

    Raises:
        UnsupportedError: if there are none; `says` is what the framework has.
    """
    return tuple(_reached(name, spec, unsigned(spec, sizes), says))


def _reached(name: str, spec: Spec, found: Sequence[Any], says: str) -> list[Any]:
    reached = [entry for entry in found if entry is not None]
    if len(reached) < len(found):
        number = found.index(None)
        raise unsupported_crop(name, spec.axes[number], number, says, transposed=False)
    return reached
