"""The form of one row: how a framework's own words and kernels become ours, and ours its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError, UnsupportedError
from ..geometry import Problem, Spec, per_axis
from .layouts import Layout
from .steps import Steps, apply

__all__ = [
    "Arguments", "Channels", "Convention", "Layer", "Sizes", "biased", "call", "columns", "picked", "short",
    "shortened",
]

Arguments = dict[str, Any]
Array = NDArray[Any]
Sizes = tuple[int, ...] | None


class Channels(NamedTuple):
    """What a written layer says beside its geometry; None is unknown."""

    inputs: int | None = None
    outputs: int | None = None
    bias: bool | None = None


@dataclass(frozen=True)
class Layer:
    """A name that people write, the number of its axes (None: as the kernel says), and its parameters in order.

    A function has a bias only where it is given one: `function` is true.
    """

    name: str
    rank: int | None
    parameters: tuple[str, ...]
    function: bool = False


@dataclass(frozen=True)
class Convention:
    """One framework's transposed convolution, or its convolution: its layers, arguments and kernel, to ours and back.

    Args:
        name: the key in `CONVENTIONS` and in `CONVOLUTIONS`.
        layers: the layers that it knows.
        defaults: its arguments for geometry with their defaults; those without one are left out.
        required: its arguments for geometry that have no default.
        kernel_argument: the argument that holds the taps per axis. Where a framework reads them off the kernel array,
            this is a name of ours.
        spec: its arguments, defaults filled in, and the input's sizes or None, to the setting.
        arguments: the setting and the input's sizes or None, to its arguments, or an `UnsupportedError`.
        layout: its kernel's axes in words: K taps, C coarse channels, D fine channels, g groups. A transposed
            convolution goes from C to D, a convolution from D to C.
        said_layout: its arguments, to the one layout that they choose, where `layout` names several.
        steps: from the canonical kernel `(*K, D / groups, C)` to its own, and back.
        besides: how many axes its kernel has beside those of the taps.
        code: its arguments, channels and the setting, to a line of its code.
        channels: its arguments, to what they say about channels and bias.
        data: its arrays' axes in words: N batch, C channels, I sizes.
        said_axes: its arguments, to such words where they say other axes.
        ends: a line of code and crops, to a line that cuts them off the result, or, of a convolution, puts them around
            the input; None where there is none.
        versions: what it was run against.
        run: False for a row that was read in a documentation and not run.
        transposed: False for a convolution, whose input is the fine grid.
    """

    name: str
    layers: tuple[Layer, ...]
    defaults: Mapping[str, Any]
    spec: Callable[[Arguments, Sizes], Spec]
    arguments: Callable[[Spec, Sizes], Arguments]
    layout: str
    steps: Layout
    code: Callable[[Arguments, Channels, Spec], str]
    required: tuple[str, ...] = ()
    kernel_argument: str = "kernel_size"
    channels: Callable[[Arguments], Channels] = field(default=lambda arguments: Channels())
    data: str = "(N, C, *I)"
    said_layout: Callable[[Arguments], str | None] = field(default=lambda arguments: None)
    said_axes: Callable[[Arguments], str | None] = field(default=lambda arguments: None)
    ends: Callable[[str, Sequence[tuple[int, int]]], str] | None = None
    besides: Callable[[Arguments], int] = field(default=lambda arguments: 2)
    versions: str = ""
    run: bool = True
    transposed: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "defaults", MappingProxyType(dict(self.defaults)))

    @property
    def geometry(self) -> frozenset[str]:
        """Its arguments that say a setting."""
        return frozenset({*self.defaults, *self.required, self.kernel_argument})

    def read(self, arguments: Mapping[str, Any], sizes: Sequence[int] | None = None) -> Spec:
        """The setting that the framework's arguments stand for.

        Args:
            arguments: by the framework's names; what is left out has its default. Others are let be.
            sizes: input samples per axis, wanted where the arguments' meaning depends on them.

        Raises:
            SettingError: if an argument is out of range, or sizes are wanted.
            ShapeError: if a size is out of reach.
        """
        filled = {**self.defaults, **arguments}
        rank = len(sizes) if sizes is not None else None
        kernel = filled.get(self.kernel_argument)
        if kernel is None or (rank is None and not isinstance(kernel, Sequence)):
            raise SettingError(f"{self.name}: {self.kernel_argument} is {kernel!r}; give the taps per axis, a number "
                               "for each.")
        filled[self.kernel_argument] = per_axis(self.name, self.kernel_argument, kernel, rank or len(kernel))
        return self.spec(filled, None if sizes is None else tuple(sizes))

    def write(self, setting: Spec | Problem, sizes: Sequence[int] | None = None) -> Arguments:
        """The framework's arguments for a setting, or for a problem, whose sizes are then used.

        Raises:
            UnsupportedError: if the framework cannot say it; the message names what is exactly equal.
        """
        spec = Spec(setting.axes, setting.groups) if isinstance(setting, Problem) else setting
        if isinstance(setting, Problem):
            sizes = setting.coarse if self.transposed else setting.fine
        if spec.rank > 3:
            raise UnsupportedError(f"{self.name}: the setting has {spec.rank} axes, but the layers have 1 to 3; take "
                                   f"tconv.{'conv_transpose' if self.transposed else 'conv'}, which has any number.")
        return self.arguments(spec, None if sizes is None else tuple(sizes))

    def axes(self, arguments: Mapping[str, Any]) -> str:
        """Its arrays' axes in words, as these arguments say."""
        return self.said_axes({**self.defaults, **arguments}) or self.data

    def laid(self, arguments: Mapping[str, Any]) -> str:
        """Its kernel's layout in words, as these arguments say."""
        return self.said_layout({**self.defaults, **arguments}) or self.layout

    def into(self, rank: int, arguments: Mapping[str, Any]) -> Steps:
        """The steps from the canonical kernel `(*K, D / groups, C)` to the framework's layout."""
        return self.steps[0](rank, {**self.defaults, **arguments})

    def out_of(self, rank: int, arguments: Mapping[str, Any]) -> Steps:
        """The steps from the framework's layout to the canonical kernel."""
        return self.steps[1](rank, {**self.defaults, **arguments})

    def kernel_to(self, kernel: Array, arguments: Mapping[str, Any]) -> Array:
        """The canonical kernel `(*K, D / groups, C)` in the framework's layout, a view where it can be one."""
        kernel = np.asarray(kernel)
        return apply(self.into(kernel.ndim - 2, arguments), kernel)

    def kernel_from(self, kernel: Array, arguments: Mapping[str, Any]) -> Array:
        """The framework's kernel as the canonical `(*K, D / groups, C)`, a view where it can be one."""
        kernel, filled = np.asarray(kernel), {**self.defaults, **arguments}
        return apply(self.out_of(kernel.ndim - self.besides(filled), arguments), kernel)


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
