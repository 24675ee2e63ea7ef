"""A layer of one framework, written in another's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from numpy.typing import NDArray

from ..errors import SettingError, UnsupportedError
from ..geometry import Spec, problem_from_coarse
from .convention import Arguments, Channels, Convention
from .crops import Crops
from .rewrite import REWRITES
from .table import CONVENTIONS
from .text import ALIASES, parse

__all__ = ["Conversion", "convert"]

CARRIED = (
    "filters", "features", "in_channels", "out_channels", "num_filter", "use_bias", "bias", "no_bias",
    "num_spatial_dims",
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A layer in another framework's words.

    Args:
        spec: the setting that was read.
        code: a line for the target framework. Names in it stand for what the source did not say: `in_channels`, `x`.
        notes: sentences on the kernel's layout, and on what is not carried over.
        exact: whether the line says the same setting; otherwise it is exactly equal once `alternative` is done.
        alternative: what to do to the kernel, or what the line does after the layer; empty where `exact`.
        source, read: the framework that was read, and its arguments.
        target, written: the framework that was written for, and its arguments.
        rewrites: names in `REWRITES` of what is done to the kernel, in order.
        fine: the output's sizes, if sizes were given.
    """

    spec: Spec
    code: str
    notes: tuple[str, ...]
    exact: bool
    alternative: str
    source: str
    read: Arguments
    target: str
    written: Arguments
    rewrites: tuple[str, ...]
    fine: tuple[int, ...] | None = None

    def kernel(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """The source's kernel as the target's: in its layout, and with the zeros that `alternative` asks for."""
        spec, kernel = self.spec, CONVENTIONS[self.source].kernel_from(kernel, self.read)
        for name in self.rewrites:
            kernel, spec = REWRITES[name](kernel, spec)
        return CONVENTIONS[self.target].kernel_to(kernel, self.written)


def convert(text: str, to: str, *, sizes: Sequence[int] | None = None) -> Conversion:
    """Write a layer in another framework's words, or as an exactly equal layer where those do not reach.

    Args:
        text: the layer, as `parse` takes it.
        to: the framework to write for, a name in `CONVENTIONS`.
        sizes: input samples per axis, wanted where the text says an output size.

    Raises:
        SettingError: if the text is no layer, or an argument is out of range.
        UnsupportedError: if there is no code to write for that framework, or no equal layer.

    >>> convert("keras Conv1DTranspose(64, 4, strides=2, padding='same')", "torch").code
    'torch.nn.ConvTranspose1d(in_channels, 64, 4, stride=2, padding=1)'
    """
    name, _, arguments = parse(text)
    source, target = CONVENTIONS[name], _target(to)
    spec = source.read(arguments, sizes)
    coarse = None if sizes is None else tuple(sizes)
    fine = None if coarse is None else problem_from_coarse(spec, coarse).fine
    written, code, alternative, rewrites = _written(target, spec, coarse, source.channels(arguments))
    notes = (*_layouts(source, target), *_dropped(source, arguments))
    return Conversion(spec, code, notes, not alternative, alternative, name, arguments, target.name, written, rewrites,
                      fine)


def _target(to: str) -> Convention:
    name = ALIASES.get(to, to)
    if name not in CONVENTIONS:
        raise SettingError(f"convert: to is {to!r}, but has to be one of {', '.join(CONVENTIONS)}.")
    return CONVENTIONS[name]


def _written(
    target: Convention, spec: Spec, coarse: tuple[int, ...] | None, channels: Channels
) -> tuple[Arguments, str, str, tuple[str, ...]]:
    """Arguments, code, what else is to be done (changes of the kernel, a cut after the layer), names of rewrites."""
    refusal, code = None, target.code
    if code is None:
        able = ", ".join(row.name for row in CONVENTIONS.values() if row.code)
        raise UnsupportedError(f"convert: the row of {target.name} was only read in its documentation, and writes no "
                               f"code; take one of {able}.")
    for changed, words, names in _ways(spec):
        try:
            arguments = target.write(changed, coarse)
        except UnsupportedError as error:
            refusal = refusal or error
            continue
        return arguments, code(arguments, channels, changed), words, names
    for changed, words, names in _ways(spec):
        try:
            bare, crops = _uncropped(changed)
            arguments = target.write(bare, coarse)
        except UnsupportedError:
            continue
        if target.after is not None:
            words = (words + ", then ") * bool(words) + f"crop nothing in the layer, and cut {crops} off its result"
            return arguments, target.after(code(arguments, channels, bare), crops), words, names
    raise refusal or UnsupportedError(f"convert: {target.name} cannot say {spec}.")


def _ways(spec: Spec) -> Iterator[tuple[Spec, str, tuple[str, ...]]]:
    """The setting itself, then exactly equal ones with ever more changes, each with its words and their names."""
    for count in range(len(REWRITES) + 1):
        for names in combinations(REWRITES, count):
            try:
                yield *_rewritten(spec, names), names
            except UnsupportedError:
                continue


def _rewritten(spec: Spec, names: Sequence[str]) -> tuple[Spec, str]:
    said = []
    for name in names:
        said.append(REWRITES[name].words(spec))
        spec = REWRITES[name].setting(spec)
    return spec, ", then ".join(said)


def _uncropped(spec: Spec) -> tuple[Spec, Crops]:
    """The setting without its crop, and the crop."""
    bare = replace(spec, axes=tuple(replace(axis, crop=(min(axis.lo, 0), min(axis.hi, 0))) for axis in spec.axes))
    return bare, tuple((max(axis.lo, 0), max(axis.hi, 0)) for axis in spec.axes)


def _layouts(source: Convention, target: Convention) -> Iterator[str]:
    letters = "K taps, C input channels, D output channels, g groups"
    if source.layout == target.layout:
        yield f"The kernel keeps its layout, {source.layout} ({letters})."
    else:
        yield f"The kernel goes from {source.layout} to {target.layout} ({letters}): kernel_from, then kernel_to."
    if source.data != target.data:
        yield f"The arrays go from {source.data} to {target.data}."


def _dropped(source: Convention, arguments: Arguments) -> Iterator[str]:
    carried = {*source.defaults, source.kernel_argument, *CARRIED}
    for name, value in arguments.items():
        if name not in carried and value is not None:
            yield f"{name}={value!r} is not carried over."
