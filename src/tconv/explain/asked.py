"""What someone types, to a layer and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SettingError
from ..geometry import Problem, Spec, per_axis, problem_from_coarse, problem_from_fine
from ..methods.channels import Array
from .facts import Explanation, explain
from .numbers import image, numbered, read
from .summary import Summary, summarize

__all__ = ["Asked", "told"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
GEOMETRY = ("kernel", "stride", "padding", "output_padding", "dilation", "groups")


@dataclass(frozen=True)
class Asked:
    """The words of `tconv explain`, as they were typed; None where nothing was."""

    input: str
    kernel: str | None = None
    stride: str | None = None
    padding: str | None = None
    output_padding: str | None = None
    dilation: str | None = None
    groups: int | None = None
    conv: bool = False
    keras: str | None = None
    torch: str | None = None

    @cached_property
    def values(self) -> Array | tuple[int, ...]:
        """The input's values, or its sizes."""
        path = Path(self.input)
        if path.suffix.lower() in SUFFIXES:
            return image(self.input)
        return read("input", self.input)

    @cached_property
    def taps(self) -> Array | tuple[int, ...] | None:
        """The kernel's values, or its sizes."""
        return None if self.kernel is None else read("kernel", self.kernel)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Samples per axis of the input."""
        return self.values if isinstance(self.values, tuple) else self.values.shape

    @cached_property
    def ordinary(self) -> bool:
        """Whether it is the convolution."""
        return self.layer.ordinary

    @cached_property
    def layer(self) -> Spelled:
        """The problem, from either way of saying it."""
        said = [name for name in ("keras", "torch") if getattr(self, name)]
        if len(said) == 2:
            raise SettingError("explain: --keras and --torch both say the layer; give one of them.")
        if not said:
            return _from_options(self)
        twice = [name for name in GEOMETRY if getattr(self, name) is not None
                 and not (name == "kernel" and isinstance(self.taps, np.ndarray))]
        if twice:
            option = "--" + twice[0].replace("_", "-")
            raise SettingError(f"explain: {option} and --{said[0]} both say the layer; say it once (--kernel may still "
                               "give the kernel's values).")
        from .spelled import spelled

        return spelled(said[0], getattr(self, said[0]), self.sizes, self.conv)

    def summary(self) -> Summary:
        """The layer without its numbers."""
        return summarize(self.layer.problem, not self.layer.ordinary, self.layer.channels)


@dataclass(frozen=True)
class Spelled:
    """A layer that was read: its problem, which of the two it is, and its channels."""

    problem: Problem
    ordinary: bool
    channels: tuple[int, int]


def told(asked: Asked) -> Explanation:
    """The layer at work: on the values that were typed, or on 1, 2, 3, ...

    It has one channel on either side, or one for each group.

    >>> told(Asked("1 2", "1 1 1", stride="2")).result.ravel()
    array([1, 1, 3, 2, 2])
    """
    layer = asked.layer
    problem, groups = layer.problem, layer.problem.groups
    x = numbered(asked.values) if isinstance(asked.values, tuple) else asked.values
    kernel = asked.taps if isinstance(asked.taps, np.ndarray) else numbered(problem.kernel)
    if kernel.shape != problem.kernel:
        raise SettingError(f"kernel: has the sizes {kernel.shape}, but the layer's kernel has {problem.kernel}; give "
                           "as many numbers.")
    many = x[..., None] + np.arange(groups)
    return explain(many, np.repeat(kernel[..., None, None], groups, axis=-1), problem=problem,
                   transposed=not layer.ordinary)


def _from_options(asked: Asked) -> Spelled:
    rank, taps = len(asked.sizes), asked.taps
    sizes = taps.shape if isinstance(taps, np.ndarray) else taps or (3,)
    if isinstance(taps, np.ndarray) and len(sizes) != rank:
        raise SettingError(f"kernel: has {len(sizes)} axes, but the input has {rank}; give as many.")
    sizes = sizes * rank if len(sizes) == 1 else sizes
    if len(sizes) != rank:
        raise SettingError(f"kernel: has {len(sizes)} axes, but the input has {rank}; give as many.")
    stride, dilation = _ints("stride", asked.stride or "1", rank), _ints("dilation", asked.dilation or "1", rank)
    groups = 1 if asked.groups is None else asked.groups
    bare = Spec.of(sizes, stride=stride, dilation=dilation, groups=groups)
    problem = _ordinary(asked, bare) if asked.conv else _transposed(asked, bare)
    return Spelled(problem, asked.conv, (groups, groups))


def _transposed(asked: Asked, bare: Spec) -> Problem:
    more = _ints("output_padding", asked.output_padding or "0", bare.rank)
    for number, (axis, extra) in enumerate(zip(bare.axes, more, strict=True)):
        if not 0 <= extra < max(axis.stride, axis.dilation):
            raise SettingError(f"output_padding: is {extra} on axis {number}, but has to be at least 0 and less than "
                               f"the stride or the dilation, {max(axis.stride, axis.dilation)}.")
    if asked.padding == "same":
        totals = [axis.reach - axis.stride for axis in bare.axes]
        crops = [(max(total, 0) // 2, total - max(total, 0) // 2) for total in totals]
    else:
        crops = _pads(asked.padding, bare.rank)
    crops = [(lo, hi - extra) for (lo, hi), extra in zip(crops, more, strict=True)]
    return problem_from_coarse(_cropped(bare, crops), asked.sizes)


def _ordinary(asked: Asked, bare: Spec) -> Problem:
    if asked.output_padding is not None:
        raise SettingError("output_padding: only a transposed convolution has it; leave it out, or --conv.")
    if asked.padding == "same":
        totals = [max((-(-size // axis.stride) - 1) * axis.stride + axis.reach - size, 0)
                  for size, axis in zip(asked.sizes, bare.axes, strict=True)]
        pads = [(total // 2, total - total // 2) for total in totals]
    else:
        pads = _pads(asked.padding, bare.rank)
    return problem_from_fine(_cropped(bare, pads), asked.sizes)


def _cropped(bare: Spec, crops: list[tuple[int, int]]) -> Spec:
    columns: Any = zip(*((axis.kernel, axis.stride, axis.dilation) for axis in bare.axes), strict=True)
    kernel, stride, dilation = columns
    return Spec.of(kernel, stride=stride, dilation=dilation, crop=tuple(crops), groups=bare.groups)


def _pads(text: str | None, rank: int) -> list[tuple[int, int]]:
    """`1`, `1,0` by axis, `0:1` for start and end, `valid`."""
    if text in (None, "valid"):
        return [(0, 0)] * rank
    return list(_each("padding", str(text), _ends, rank))


def _ends(text: str) -> tuple[int, int]:
    lo, _, hi = text.partition(":")
    return int(lo), int(hi or lo)


def _ints(name: str, text: str, rank: int) -> tuple[int, ...]:
    return _each(name, text, int, rank)


def _each(name: str, text: str, kind: Callable[[str], Any], rank: int) -> tuple[Any, ...]:
    """Parts with commas between; one alone stands for every axis."""
    try:
        parts = tuple(kind(part) for part in text.split(","))
    except ValueError:
        more = ", or 0:1 for start and end, or same, or valid" if name == "padding" else ""
        raise SettingError(f"{name}: is {text!r}, but has to be as in 2, or 2,1 by axis{more}.") from None
    return per_axis("explain", name, parts * rank if len(parts) == 1 else parts, rank)
