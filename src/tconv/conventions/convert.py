"""A layer of one framework, written in another's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..errors import SettingError
from ..geometry import Problem, Spec, problem_from_coarse, problem_from_fine, whole
from .convention import Arguments, Channels, Convention
from .programs import PROGRAMS
from .spelling import Spelling, spell
from .steps import Steps, apply, lines
from .table import CONVENTIONS, table
from .text import framework, read

__all__ = ["Conversion", "convert"]

CARRIED = (
    "filters", "features", "in_channels", "out_channels", "num_filter", "use_bias", "bias", "no_bias",
    "num_spatial_dims", "in_features", "out_features",
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A layer in another framework's words.

    Args:
        spec: the setting that was read.
        spelling: the layer as the target writes it.
        notes: sentences on the kernel's layout, and on what is not carried over.
        source, read: the row that was read, and its arguments.
        target: the row that was written for.
        channels: what the source says of channels and bias.
        sizes: the input's, if they were given.
    """

    spec: Spec
    spelling: Spelling
    notes: tuple[str, ...]
    source: Convention
    read: Arguments
    target: Convention
    channels: Channels
    sizes: tuple[int, ...] | None = None

    @property
    def code(self) -> str:
        """A line for the target framework. Names in it stand for what the source did not say: `in_channels`, `x`."""
        return self.spelling.code

    @property
    def exact(self) -> bool:
        """Whether the line says the same setting; otherwise it is exactly equal once `alternative` is done."""
        return self.spelling.exact

    @property
    def alternative(self) -> str:
        """What to do to the kernel, or what the line does beside the layer; empty where `exact`."""
        return self.spelling.alternative

    @property
    def said(self) -> str:
        """The layer that was read, as a line of its framework."""
        arguments = {**self.source.defaults, **{key: self.read[key] for key in self.read if key in
                                                self.source.geometry}}
        return self.source.code(arguments, self.channels, self.spec)

    @property
    def steps(self) -> Steps:
        """From the source's kernel to the target's."""
        return (*self.source.out_of(self.spec.rank, self.read), *self.spelling.steps)

    @property
    def kernel_lines(self) -> tuple[str, ...]:
        """Lines of NumPy that make the target's kernel of the source's."""
        return lines(self.steps, "kernel")

    @property
    def program(self) -> tuple[str, ...]:
        """The target's layer made, loaded with the source's kernel, and run; empty for a row that was not run."""
        return PROGRAMS[self.target.name].lines(self.code, self.kernel_lines, self.channels, self.spec.rank) if (
            self.target.run) else ()

    @property
    def fine(self) -> tuple[int, ...] | None:
        """The output's sizes of a transposed convolution, if sizes were given."""
        return None if self.sizes is None else self.problem(self.sizes).fine

    @property
    def output(self) -> tuple[int, ...] | None:
        """The output's sizes, if sizes were given."""
        if self.sizes is None:
            return None
        problem = self.problem(self.sizes)
        return problem.fine if self.source.transposed else problem.coarse

    def problem(self, sizes: Sequence[int]) -> Problem:
        """The setting met by sizes of the input."""
        return (problem_from_coarse if self.source.transposed else problem_from_fine)(self.spec, sizes)

    def kernel(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """The source's kernel as the target's: in its layout, and with the zeros that `alternative` asks for."""
        return apply(self.steps, kernel)


def convert(text: str, to: str, *, sizes: Sequence[int] | None = None) -> Conversion:
    """Write a layer in another framework's words, or as an exactly equal layer where those do not reach.

    Args:
        text: a transposed convolution or a convolution, as `parse` takes it.
        to: the framework to write for, a name in `CONVENTIONS`.
        sizes: input samples per axis, wanted where the layer depends on them.

    Raises:
        SettingError: if the text is no layer, or an argument is out of range.
        UnsupportedError: if there is no equal layer.

    >>> convert("keras Conv1DTranspose(64, 4, strides=2, padding='same')", "torch").code
    'torch.nn.ConvTranspose1d(in_channels, 64, 4, stride=2, padding=1)'
    >>> convert("torch Conv2d(3, 8, 3, padding=1)", "keras").code
    "keras.layers.Conv2D(8, 3, padding='same')"
    """
    source, _, arguments = read(text)
    name = framework(to)
    if name is None:
        raise SettingError(f"convert: to is {to!r}, but has to be one of {', '.join(CONVENTIONS)}.")
    target, sizes = table(source.transposed)[name], None if sizes is None else tuple(sizes)
    spec, channels = source.read(arguments, sizes), source.channels(arguments)
    _check(source.name, channels, spec)
    spelling = spell(target, spec, channels, sizes)
    notes = (*_layouts(source, arguments, target, spelling.arguments), *_dropped(source, arguments),
             *_bound(source, arguments, spelling.arguments, spec, sizes))
    found = Conversion(spec, spelling, notes, source, arguments, target, channels, sizes)
    source.out_of(spec.rank, arguments)  # a layout that is none is refused here
    if sizes is not None:
        found.problem(sizes)
    return found


def _check(where: str, channels: Channels, spec: Spec) -> None:
    for what, count in (("input", channels.inputs), ("output", channels.outputs)):
        if count is not None and whole(where, f"the number of {what} channels", count, 1) % spec.groups:
            raise SettingError(f"{where}: {count} {what} channels do not fall into {spec.groups} groups; take a number "
                               f"that {spec.groups} divides, or other groups.")


def _layouts(source: Convention, read: Arguments, target: Convention, written: Arguments) -> Iterator[str]:
    letters = "K taps, C input channels, D output channels, g groups" if source.transposed else (
        "K taps, D input channels, C output channels, g groups")
    if source.laid(read) == target.laid(written):
        yield f"The kernel keeps its layout, {source.laid(read)} ({letters})."
    else:
        yield f"The kernel goes from {source.laid(read)} to {target.laid(written)} ({letters})."
    if source.axes(read) != target.axes(written):
        yield f"The arrays go from {source.axes(read)} to {target.axes(written)}."


def _dropped(source: Convention, arguments: Arguments) -> Iterator[str]:
    carried = source.geometry | set(CARRIED)
    for name, value in arguments.items():
        if name not in carried and value is not None:
            yield f"{name}={value!r} is not carried over."


def _bound(source: Convention, read: Arguments, written: Arguments, spec: Spec, sizes: tuple[int, ...] | None,
           ) -> Iterator[str]:
    """That a convolution's 'same' with a stride is another padding at other sizes."""
    words = [str(value).upper() for key in ("padding", "auto_pad", "pad_type") for said in (read, written)
             if (value := said.get(key)) is not None]
    stride = [axis.stride for axis in spec.axes]
    if not source.transposed and max(stride) > 1 and any(word.startswith("SAME") for word in words):
        yield (f"With a stride, 'same' depends on the size: this holds for {'x'.join(map(str, sizes or ()))}, and for "
               f"sizes that leave the same remainder by the stride.")
