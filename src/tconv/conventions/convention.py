"""The form of one row: how a framework's own words and kernels become ours, and ours its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError, UnsupportedError
from ..geometry import Axis, Problem, Spec, per_axis

__all__ = [
    "Arguments", "Channels", "Convention", "Layer", "biased", "call", "columns", "groups_unsupported", "picked",
    "short", "shortened", "unsupported_crop", "zero_taps",
]

Arguments = dict[str, Any]
Array = NDArray[Any]


class Channels(NamedTuple):
    """What a written layer says beside its geometry; None is unknown."""

    inputs: int | None = None
    outputs: int | None = None
    bias: bool | None = None


@dataclass(frozen=True)
class Layer:
    """A name that people write, the number of its axes (None: as the kernel says), and its parameters in order."""

    name: str
    rank: int | None
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Convention:
    """One framework's transposed convolution: its layers, its arguments and its kernel, to ours and back.

    Args:
        name: the key in `CONVENTIONS`.
        layers: the layers that it knows.
        defaults: its arguments for geometry with their defaults; those without one are left out.
        kernel_argument: the argument that holds the taps per axis. Where a framework reads them off the kernel array,
            this is a name of ours.
        spec: its arguments, defaults filled in, and the coarse sizes or None, to the setting.
        arguments: the setting and the coarse sizes or None, to its arguments, or an `UnsupportedError`.
        layout: its kernel's axes in words: K taps, C coarse (input) channels, D fine (output) channels, g groups.
        into: canonical kernel `(*K, D / groups, C)` and arguments, to its own.
        out_of: its own kernel and arguments, to the canonical one.
        channels: its arguments, to what they say about channels and bias.
        data: its arrays' axes in words: N batch, C channels, I sizes.
        code: its arguments, channels and the setting, to a line of its code; None where the row writes none.
        after: a line of code and crops, to a line that cuts the result; None where there is none.
        versions: what it was run against.
        run: False for a row that was read in a documentation and not run.
    """

    name: str
    layers: tuple[Layer, ...]
    defaults: Mapping[str, Any]
    spec: Callable[[Arguments, tuple[int, ...] | None], Spec]
    arguments: Callable[[Spec, tuple[int, ...] | None], Arguments]
    layout: str
    into: Callable[[Array, Arguments], Array]
    out_of: Callable[[Array, Arguments], Array]
    kernel_argument: str = "kernel_size"
    channels: Callable[[Arguments], Channels] = field(default=lambda arguments: Channels())
    data: str = "(N, C, *I)"
    code: Callable[[Arguments, Channels, Spec], str] | None = None
    after: Callable[[str, Sequence[tuple[int, int]]], str] | None = None
    versions: str = ""
    run: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "defaults", MappingProxyType(dict(self.defaults)))

    def read(self, arguments: Mapping[str, Any], coarse: Sequence[int] | None = None) -> Spec:
        """The setting that the framework's arguments stand for.

        Args:
            arguments: by the framework's names; what is left out has its default. Others are let be.
            coarse: input samples per axis, wanted where the arguments say a size.

        Raises:
            SettingError: if an argument is out of range, or sizes are wanted.
            ShapeError: if a size is out of reach.
        """
        filled = {**self.defaults, **arguments}
        rank = len(coarse) if coarse is not None else None
        kernel = filled.get(self.kernel_argument)
        if kernel is None or (rank is None and not isinstance(kernel, Sequence)):
            raise SettingError(f"{self.name}: {self.kernel_argument} is {kernel!r}; give the taps per axis, a number "
                               "for each.")
        filled[self.kernel_argument] = per_axis(self.name, self.kernel_argument, kernel, rank or len(kernel))
        return self.spec(filled, None if coarse is None else tuple(coarse))

    def write(self, setting: Spec | Problem, coarse: Sequence[int] | None = None) -> Arguments:
        """The framework's arguments for a setting, or for a problem, whose sizes are then used.

        Raises:
            UnsupportedError: if the framework cannot say it; the message names what is exactly equal.
        """
        spec = Spec(setting.axes, setting.groups) if isinstance(setting, Problem) else setting
        coarse = setting.coarse if isinstance(setting, Problem) else coarse
        if spec.rank > 3:
            raise UnsupportedError(f"{self.name}: the setting has {spec.rank} axes, but the layers have 1 to 3; take "
                                   "tconv.conv_transpose, which has any number.")
        return self.arguments(spec, None if coarse is None else tuple(coarse))

    def kernel_to(self, kernel: Array, arguments: Mapping[str, Any]) -> Array:
        """The canonical kernel `(*K, D / groups, C)` in the framework's layout, a view where it can be one."""
        return self.into(np.asarray(kernel), {**self.defaults, **arguments})

    def kernel_from(self, kernel: Array, arguments: Mapping[str, Any]) -> Array:
        """The framework's kernel as the canonical `(*K, D / groups, C)`, a view where it can be one."""
        return self.out_of(np.asarray(kernel), {**self.defaults, **arguments})


def call(name: str, first: Sequence[Any], keywords: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """A call as text, without the keywords that have their default.

    >>> call("f", ["x"], {"stride": 2, "padding": "same", "dilation": (1, 1)}, {"dilation": 1})
    "f(x, stride=2, padding='same')"
    """
    kept = [f"{key}={value!r}" for key, value in keywords.items()
            if key not in defaults or short(value) != short(defaults[key])]
    return f"{name}({', '.join([*map(str, first), *kept])})"


def short(value: Any) -> Any:
    """One number in place of a tuple where all axes agree.

    >>> short((2, 2)), short((1, 2)), short("same")
    (2, (1, 2), 'same')
    """
    whole = isinstance(value, tuple | list) and value and all(isinstance(entry, int) for entry in value)
    return value[0] if whole and len(set(value)) == 1 else value


def shortened(arguments: Arguments) -> Arguments:
    """Arguments with one number wherever all axes agree."""
    return {key: short(value) for key, value in arguments.items()}


def picked(value: Any, otherwise: str) -> str:
    """A number of channels as text, or a name for it while it is unknown."""
    return otherwise if value is None else str(value)


def biased(name: str, channels: Channels) -> Arguments:
    """The argument that says whether there is a bias, if that is known."""
    return {} if channels.bias is None else {name: channels.bias}


def columns(spec: Spec) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Kernel, stride, dilation and crop, each with one entry per axis."""
    rows = [(axis.kernel, axis.stride, axis.dilation, axis.crop) for axis in spec.axes]
    return tuple(zip(*rows, strict=True))  # type: ignore[return-value]


def groups_unsupported(name: str, spec: Spec, cure: str) -> None:
    """Refuse groups where a framework has none."""
    if spec.groups > 1:
        raise UnsupportedError(f"{name}: groups is {spec.groups}, but this layer has none; {cure}, or write the "
                               f"kernel out with zeros between the groups (conventions.block_diagonal).")


def unsupported_crop(name: str, axis: Axis, number: int, says: str) -> UnsupportedError:
    """What to raise for a crop that a framework cannot say: what it can, and what is exactly equal."""
    lo, hi = axis.crop
    cures = [_tap_cure(axis)] if lo != hi or lo < 0 else []
    if min(lo, hi) >= 0:
        cures.append(f"crop nothing and slice [{lo or ''}:{-hi if hi else ''}] afterwards")
    setting = f"crop ({lo}, {hi}) on axis {number} with kernel {axis.kernel} and stride {axis.stride}"
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
