"""A setting in one framework's words; where those do not reach, an exactly equal layer and what to do around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ..errors import UnsupportedError
from ..geometry import Problem, Spec
from .convention import Arguments, Channels, Convention, Sizes
from .crops import Crops
from .rewrite import REWRITES
from .steps import Steps

__all__ = ["Spelling", "spell"]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A layer as one framework writes it.

    Args:
        target: the framework, a name in `CONVENTIONS`.
        code: a line of its code. Names in it stand for what is not known: `in_channels`, `x`, `kernel`.
        arguments: the framework's arguments for the geometry.
        alternative: what is done to the kernel, to the input or to the result; empty where the words reach.
        rewrites: names in `REWRITES` of what is done to the kernel, in order.
        steps: from the canonical kernel `(*K, D / groups, C)` to the layer's own.
    """

    target: str
    code: str
    arguments: Arguments
    alternative: str
    rewrites: tuple[str, ...]
    steps: Steps

    @property
    def exact(self) -> bool:
        """Whether the words themselves reach the setting."""
        return not self.alternative


def spell(row: Convention, setting: Spec | Problem, channels: Channels | None = None,
          sizes: Sequence[int] | None = None) -> Spelling:
    """Write a setting in a framework's words, or as an exactly equal layer where those do not reach.

    Args:
        row: the framework's row for this direction.
        setting: the setting, or a problem, whose sizes are then used.
        channels: what is known of channels and bias.
        sizes: input samples per axis.

    Raises:
        UnsupportedError: if there is no equal layer.

    >>> from .table import CONVENTIONS
    >>> found = spell(CONVENTIONS["torch"], Spec.of((3,), stride=2, crop=((0, 1),)))
    >>> found.code, found.alternative
    ('torch.nn.ConvTranspose1d(in_channels, out_channels, 4, stride=2, padding=1)',
     'put zero taps around the kernel: 1 before it on axis 0')
    """
    if isinstance(setting, Problem):
        sizes = setting.coarse if row.transposed else setting.fine
    spec, sizes = Spec(setting.axes, setting.groups), None if sizes is None else tuple(sizes)
    refusal = None
    for names, bare in _attempts(spec, row):
        try:
            return _attempt(row, spec, channels or Channels(), sizes, names, bare)
        except UnsupportedError as error:
            refusal = refusal or error
    raise refusal or UnsupportedError(f"{row.name}: cannot say {spec}.")


def _attempts(spec: Spec, row: Convention) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Rewrites of the kernel, and whether the layer crops nothing itself, the simpler first.

    Of a transposed convolution the result is cut last, since a cut computes what it throws away; to pad the input of a
    convolution costs little, so that comes before longer kernels.
    """
    ways = [names for count in range(len(REWRITES) + 1) for names in combinations(REWRITES, count)
            if all(REWRITES[name].changes(spec) for name in names)]
    every = [(names, bare) for bare in (False, True)[:1 + (row.ends is not None)] for names in ways]
    if row.transposed:
        return iter(every)
    return iter(sorted(every, key=lambda way: ("zero taps" in way[0], len(way[0]), way[1])))


def _attempt(row: Convention, spec: Spec, channels: Channels, sizes: Sizes, names: tuple[str, ...], bare: bool,
             ) -> Spelling:
    said, steps = [], []
    for name in names:
        said.append(REWRITES[name].words(spec))
        steps.append(REWRITES[name].step(spec))
        spec = REWRITES[name].setting(spec)
    inner, crops = _uncropped(spec, row.transposed) if bare else (spec, ())
    arguments = row.write(inner, _padded(sizes, () if row.transposed else crops))
    code = row.code(arguments, channels, inner)
    if any(map(any, crops)):
        code = row.ends(code, crops)  # type: ignore[misc]
        said.append(f"crop nothing in the layer, and cut {_ends(crops)} off its result" if row.transposed else
                    f"pad nothing in the layer, and put {_ends(crops)} zeros around its input")
    return Spelling(row.name, code, arguments, ", then ".join(said), names,
                    (*steps, *row.into(spec.rank, arguments)))


def _ends(crops: Crops) -> str:
    """One pair for each axis, as text.

    >>> _ends(((0, 1), (1, 1)))
    '(0, 1) and (1, 1)'
    """
    return " and ".join(map(str, crops))


def _padded(sizes: Sizes, crops: Crops) -> Sizes:
    return sizes if sizes is None or not crops else tuple(n + lo + hi for n, (lo, hi) in zip(sizes, crops, strict=True))


def _uncropped(spec: Spec, transposed: bool) -> tuple[Spec, Crops]:
    """The setting without its crop, and the crop; what a transposed convolution adds, the layer still has to add."""
    kept = [(min(axis.lo, 0), min(axis.hi, 0)) if transposed else (0, 0) for axis in spec.axes]
    axes = tuple(replace(axis, crop=crop) for axis, crop in zip(spec.axes, kept, strict=True))
    return replace(spec, axes=axes), tuple((axis.lo - lo, axis.hi - hi)
                                           for axis, (lo, hi) in zip(spec.axes, kept, strict=True))
