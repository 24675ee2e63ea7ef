"""A short fine-tune of kernels that were mended, on real inputs, under which the pattern stays out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ..diagnose import equalised
from ..errors import SettingError
from ..geometry import Spec, whole
from ..methods.channels import Array
from .mendable import BATCH, Inputs, Mendable, Patient, looked_at

__all__ = ["Held", "Rounds", "Tuned", "Tuning", "evenly", "tuned", "without_pattern"]


def _quiet(step: int, loss: float) -> None:
    """Tell nobody."""


SHARES = (1.0, 0.5, 0.25)
"""Of what a fine-tune changed, tried in this order: on the way to better results, the pattern may come back."""


GROWN = 1.1
"""A pattern that mending left counts as come back when it has so many times the energy."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How kernels are tuned.

    Args:
        steps: of Adam, of `BATCH` samples each, >= 1.
        rate: of the first step, as a share of the kernels' root mean square; it falls to 0 as a cosine.
        seed: of the order of samples.
        told: is given each step, from 1, and its loss.
    """

    steps: int = 200
    rate: float = 0.003
    seed: int = 0
    told: Callable[[int, float], None] = _quiet

    def __post_init__(self) -> None:
        whole("repair", "fine-tune steps", self.steps, 1)
        if not self.rate > 0:
            raise SettingError(f"repair: the fine-tune's rate is {self.rate}, but has to be more than 0.")


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a fine-tune brought.

    Args:
        steps: that were made.
        errors: mean squared distance of results to what they should be, before and after, on inputs not tuned on.
        share: of the change that was kept: as much as makes that distance smaller and brings no pattern back, or 0.
    """

    steps: int
    errors: tuple[float, float]
    share: float

    @property
    def kept(self) -> bool:
        """Whether anything of it stayed."""
        return self.share > 0


Held = Mapping[str, tuple[Array, Array]]
"""By layer, the kernel `(*K, D / groups, C)` that its changes are counted from, and `evenly` of its setting."""


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """What a framework needs to make the steps: the samples of each, and its rate.

    Args:
        inputs: by name.
        wanted: what should come out, `(N, *S, C)`.
        held: the kernels that move.
        tuning: how.
    """

    inputs: Inputs
    wanted: Array
    held: Held
    tuning: Tuning

    def __iter__(self) -> Iterator[tuple[int, Array, float]]:
        """The number of each step from 1, the places of its samples, and its rate."""
        numbers, count = np.random.default_rng(self.tuning.seed), len(self.wanted)
        size = min(BATCH, count)
        root = float(np.sqrt(np.mean([np.square(kernel).mean() for kernel, _ in self.held.values()])))
        for step in range(self.tuning.steps):
            fall = (1 + np.cos(np.pi * step / self.tuning.steps)) / 2
            yield step + 1, numbers.choice(count, size, replace=False), self.tuning.rate * root * float(fall)


def evenly(spec: Spec) -> Array:
    """The matrix that makes a change of a kernel the nearest one with equal gains in all phases, channel by channel.

    A kernel plus such a change prints on a flat input what the kernel printed. `equalised` is linear and treats all
    pairs of channels alike, so that its answers to single taps are its matrix.

    Returns:
        Shape `(taps, taps)`, all axes' taps in one row.

    >>> evenly(Spec.of((2,), stride=2)) @ [1.0, 3.0]
    array([2., 2.])
    """
    taps = tuple(axis.kernel for axis in spec.axes)
    units = np.eye(int(np.prod(taps))).reshape(*taps, -1, 1)
    return equalised(units, replace(spec, groups=1)).reshape(units.shape[-2], -1)


def without_pattern(samples: Array, periods: Sequence[int]) -> Array:
    """Samples without what repeats over each of them, at these periods; their means stay.

    Args:
        samples: shape `(N, *S, C)`.
        periods: samples, >= 2.

    >>> without_pattern(np.array([1.0, 2, 3, 4]).reshape(1, 4, 1), [2]).ravel()
    array([1.5, 1.5, 3.5, 3.5])
    """
    found = np.array(samples, float)
    axes = tuple(range(1, found.ndim - 1))
    for period in periods:
        middle = found.mean(axis=axes, keepdims=True)
        for phase in product(range(period), repeat=len(axes)):
            cells = (slice(None), *(slice(at, None, period) for at in phase))
            if found[cells].size:
                found[cells] += middle - found[cells].mean(axis=axes, keepdims=True)
    return found.astype(samples.dtype)


def tuned(model: Mendable, patients: Sequence[Patient], periods: Sequence[int], fit: tuple[Inputs, Array],
          look: tuple[Inputs, Array], tuning: Tuning) -> Tuned:
    """Tune kernels towards results; put them back if that does not help.

    Args:
        model: mended.
        patients: the layers that may move, with their kernels of now.
        periods: of patterns that must not come back.
        fit: inputs, and what should come out.
        look: others, to judge by.
        tuning: how.

    Raises:
        UnsupportedError: if the model is of a kind that cannot be tuned.
    """
    before = model.run(look[0]).result
    model.tune(Rounds(*fit, {one.where: (one.kernel, evenly(one.spec)) for one in patients}, tuning))
    moved = {one.where: one.kernel for one in model.patients()}
    first = _apart(before, look[1])
    error = first
    for share in SHARES:
        for one in patients:
            model.put(one.where, one.kernel + np.float32(share) * (moved[one.where] - one.kernel))
        after = model.run(look[0]).result
        error = _apart(after, look[1])
        if error < first and not _returned(before, after, periods):
            return Tuned(tuning.steps, (first, error), share)
    for one in patients:
        model.put(one.where, one.kernel)
    return Tuned(tuning.steps, (first, error), 0.0)


def _apart(result: Array, wanted: Array) -> float:
    return float(np.square(result - wanted).mean())


def _returned(before: Array, after: Array, periods: Sequence[int]) -> bool:
    """Whether a pattern is found that was not, or one that is left has grown."""
    old, new = looked_at(before, periods), looked_at(after, periods)
    return old is not None and new is not None and any(
        now.found and (not then.found or now.excess > GROWN * then.excess)
        for then, now in zip(old.periods, new.periods, strict=True))
