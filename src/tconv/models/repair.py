"""Taking a checkerboard out of a trained model: the smallest change of its kernels, with what it does, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np

from ..diagnose import Diagnosis, equalised, gains, least_change, unevenness
from ..errors import SettingError, ShapeError
from ..methods import phases
from ..methods.channels import Array
from .exchange import Exchange, Exchanged, exchange
from .mendable import Inputs, Mendable, Patient, Seen, looked_at
from .smooth import Blur, Smoothing, planned, sharpness, smooth
from .tune import Tuned, Tuning, tuned, without_pattern

__all__ = ["WAYS", "Mended", "Repair", "repair"]

WAYS = {
    "least": "the least change of the layer's real results that leaves nothing above what is natural",
    "mean": "the least change of the kernel that makes the mean of the layer's real inputs come out flat",
    "gains": "the least change of the kernel that makes every channel alone come out flat; looks at the kernel only",
}
"""How a kernel is mended."""

ENOUGH = 10.0
"""A pattern that has become so many times weaker is not pursued into further layers."""

WEAK = 1e-6
"""Share of the results' variance below which a pattern is let be: nobody will see or hear it."""

ALIKE, PATTERNS = 30.0, 10.0
"""A layer after whose change results differ by more keeps its kernel, unless it was named: less like than so many
decibels, and by more than so many times the energy of the pattern itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Mended:
    """One layer that was changed.

    Args:
        where: its place in the model.
        periods: that were taken out of its results, in samples of its fine grid; () where nothing was looked at.
        unevenness: of the phases' gains, before and after; see `tconv.diagnose.unevenness`.
        moved: length of the change of the kernel over the length of the kernel.
    """

    where: str
    periods: tuple[int, ...]
    unevenness: tuple[float, float]
    moved: float


@dataclass(frozen=True, slots=True, eq=False)
class Repair:
    """What was done, and what it does to results.

    Args:
        mended: the layers that were changed, in the order in which it was done.
        before, after: of the model's results on inputs that the kernels were not fitted to; None where the results are
            too small to show a pattern, or the model was not run.
        results: those results, before and after, `(N, *S, C)`.
        fresh: whether the inputs were other than those that the kernels were fitted to.
        errors: mean squared distance to what the results should be, before and after, where that was given.
        smoothed: the layers that a blur was folded into.
        tuned: what a fine-tune of the mended kernels brought; None where there was none.
        exchanged: the layers that others stand for now.
    """

    mended: tuple[Mended, ...]
    before: Diagnosis | None = None
    after: Diagnosis | None = None
    results: tuple[Array, Array] | None = None
    fresh: bool = True
    errors: tuple[float, float] | None = None
    smoothed: tuple[Smoothing, ...] = ()
    tuned: Tuned | None = None
    exchanged: tuple[Exchanged, ...] = ()

    @property
    def sharpness(self) -> float | None:
        """Energy of the differences between neighbours in the results, after over before."""
        return None if self.results is None else sharpness(*self.results)

    @property
    def likeness(self) -> float | None:
        """Peak signal-to-noise ratio of the results after to those before, in decibels; see `likeness`."""
        return None if self.results is None else likeness(*self.results)


def repair(model: Mendable, *, way: str = "least", layers: Sequence[str] = (), samples: int = 256, seed: int = 0,
           inputs: Inputs | None = None, targets: Array | None = None, instead: Blur | Exchange | None = None,
           tuning: Tuning | None = None) -> Repair:
    """Mend a model's transposed convolutions, the last one first, until its results show no pattern.

    Args:
        model: a copy that may be changed.
        way: a name in `WAYS`.
        layers: only these, all of them; without any, as many as it takes.
        samples: how many results are looked at; the kernels are fitted to twice as many others.
        seed: of random inputs.
        inputs: real inputs, by name, in place of random ones; a third is kept for looking at the results.
        targets: what the results for those inputs should be, `(N, *S, C)`: the error before and after is measured.
        instead: what is done in place of mending to the last layer, or those named. A blur is folded in: it takes out
            what it takes out, whatever the inputs are, and sharpness with it. An exchange puts other layers there.
        tuning: the mended kernels are then tuned towards the targets, or without any towards the model's own earlier
            results less their pattern; the better ones are kept.

    Raises:
        SettingError: if the way or a layer is none.
        ShapeError: if the inputs or the targets do not fit.
        UnsupportedError: if a blur does not go into a layer, or the model's layers cannot be exchanged or tuned.
    """
    patients = _chosen(model.patients(), layers, way)
    these = patients if layers else patients[-1:]
    plans = planned(these, instead) if isinstance(instead, Blur) else ()
    fit, look, fresh = _parted(model, inputs, samples, seed)
    before = model.run(look).result
    periods = _periods(patients)
    first = looked_at(before, periods)
    done = smooth(model, plans, instead) if isinstance(instead, Blur) else ()
    others = exchange(model, these, instead) if isinstance(instead, Exchange) else ()
    wanted = _wanted(targets, before)
    earlier = model.run(fit).result if tuning and targets is None else targets
    mended = () if instead else tuple(_mend(model, patients, way, fit, bool(layers)))
    retouched = _tune(model, mended, (fit, earlier), (look, before if wanted is None else wanted), tuning, targets)
    if retouched is not None and retouched.kept:
        olds, news = ({one.where: one for one in each} for each in (patients, model.patients()))
        mended = tuple(_mended(olds[one.where], news[one.where].kernel, one.periods) for one in mended)
    after = model.run(look).result
    last = looked_at(after, periods)
    errors = None if wanted is None else (_apart(before, wanted), _apart(after, wanted))
    return Repair(mended, first, last, (before, after), fresh, errors, done, retouched, others)


def _chosen(patients: Sequence[Patient], layers: Sequence[str], way: str) -> tuple[Patient, ...]:
    if way not in WAYS:
        raise SettingError(f"repair: how is {way!r}, but has to be one of {', '.join(WAYS)}.")
    names = [one.where for one in patients]
    for name in layers:
        if name not in names:
            raise SettingError(f"repair: layer {name!r} is no transposed convolution with a stride and a kernel of its "
                               f"own in this model; it has {', '.join(map(repr, names)) or 'none'}.")
    if not patients:
        raise SettingError("repair: the model has no transposed convolution with a stride and a kernel of its own; "
                           "there is nothing to mend.")
    return tuple(one for one in patients if not layers or one.where in layers)


def _parted(model: Mendable, inputs: Inputs | None, samples: int, seed: int) -> tuple[Inputs, Inputs, bool]:
    """Inputs to fit to, inputs to look at, and whether those are others."""
    if inputs is None:
        return model.drawn(2 * samples, seed + 1), model.drawn(samples, seed), True
    counts = {len(array) for array in inputs.values()}
    if len(counts) != 1:
        raise ShapeError(f"repair: the inputs hold {sorted(counts)} samples, but have to hold as many each.")
    count = counts.pop()
    if count < 3:
        return inputs, inputs, False
    kept = -(-count // 3)
    return ({name: array[:-kept] for name, array in inputs.items()},
            {name: array[-kept:] for name, array in inputs.items()}, True)


def _periods(patients: Sequence[Patient]) -> tuple[int, ...]:
    """The strides of the last layer, of the last two, ... as they show in what comes out."""
    return tuple(accumulate((_stride(one) for one in reversed(patients)), mul))


def _stride(patient: Patient) -> int:
    return max(axis.stride for axis in patient.spec.axes)


def _mend(model: Mendable, patients: Sequence[Patient], way: str, fit: Inputs, named: bool) -> Iterator[Mended]:
    """Layer after layer; where none was named, only while there is a pattern, and only what helps is kept."""
    first = now = _Judged(model.run(fit).result, _periods(patients))
    for number in reversed(range(len(patients))):
        if not named and now.strength <= first.strength / ENOUGH:
            return
        patient = patients[number]
        kernel, found = MENDERS[way](patient, partial(model.run, fit, patient.where), _periods(patients[:number + 1]))
        if kernel is None:
            continue
        model.put(patient.where, kernel)
        then = now if named else _Judged(model.run(fit).result, first.periods)
        if not named and not (then.strength < now.strength / 2 and then.like(first)):
            model.put(patient.where, patient.kernel)
            continue
        now = then
        yield _mended(patient, kernel, found)


class _Judged:
    """Results, and how strong the patterns in them are."""

    def __init__(self, result: Array, periods: Sequence[int]):
        self.result, found = result, looked_at(result, periods)
        # Without a diagnosis nothing says whether a change helps: all layers count as ill, and no change as good.
        self.periods, self.strength, self.pattern = periods, 1.0, 0.0
        if found is not None:
            self.periods = _present(found)
            self.strength = sum(found.period(period).excess for period in self.periods)
            self.pattern = _mean_square(self.strength, found)

    def like(self, first: _Judged) -> bool:
        """Whether these are still those results, but for their pattern."""
        apart = float(np.square(self.result - first.result).mean())
        return likeness(first.result, self.result) >= ALIKE or apart <= PATTERNS * first.pattern


def _mean_square(excess: float, found: Diagnosis) -> float:
    """Of the waves that stand above what is natural with this power, as a window shows them."""
    power = found.spectrum.power
    return float(excess * 1.5**power.ndim / power.size)


def _present(found: Diagnosis) -> tuple[int, ...]:
    """The periods of which there is a pattern that is worth a change."""
    least = WEAK * float(found.spectrum.power.mean())
    return tuple(period.period for period in found.found if _mean_square(period.excess, found) > least)


def likeness(before: Array, after: Array) -> float:
    """Peak signal-to-noise ratio of results to those before, in decibels; the peak is their range."""
    apart = float(np.square(after - before).mean())
    return float(10 * np.log10(float(np.ptp(before)) ** 2 / apart)) if apart else np.inf


def _mended(patient: Patient, kernel: Array, periods: tuple[int, ...]) -> Mended:
    uneven = [unevenness(gains(each, patient.spec), patient.spec.rank) for each in (patient.kernel, kernel)]
    moved = float(np.linalg.norm(kernel - patient.kernel)) / max(float(np.linalg.norm(patient.kernel)), 1e-30)
    return Mended(patient.where, periods, (uneven[0], uneven[1]), moved)


def _least(patient: Patient, run: Callable[[], Seen], periods: Sequence[int]) -> tuple[Array | None, tuple[int, ...]]:
    seen = run()
    x, problem = _watched(patient, seen)
    found = looked_at(phases(x, patient.kernel.astype(x.dtype), problem), periods)
    wrong = () if found is None else _present(found)
    if not wrong:
        return None, ()
    return least_change(patient.kernel, x, problem, periods=wrong).kernel, wrong


def _mean(patient: Patient, run: Callable[[], Seen], periods: Sequence[int]) -> tuple[Array | None, tuple[int, ...]]:
    x, _ = _watched(patient, run())
    return equalised(patient.kernel, patient.spec, flat=x.mean(axis=tuple(range(x.ndim - 1)))), periods[:1]  # type: ignore


def _gains(patient: Patient, run: Callable[[], Seen], periods: Sequence[int]) -> tuple[Array | None, tuple[int, ...]]:
    return equalised(patient.kernel, patient.spec), ()


MENDERS: dict[str, Callable[[Patient, Callable[[], Seen], Sequence[int]], tuple[Array | None, tuple[int, ...]]]] = {
    "least": _least, "mean": _mean, "gains": _gains}


def _watched(patient: Patient, seen: Seen) -> tuple[Array, Any]:
    if seen.x is None or seen.problem is None:
        raise ShapeError(f"repair: the layer {patient.where!r} does not run on these inputs; leave it out.")
    return seen.x, seen.problem


def _wanted(targets: Array | None, before: Array) -> Array | None:
    """The targets of the last samples, those that are looked at."""
    if targets is None:
        return None
    wanted = targets[-len(before):]
    if wanted.shape != before.shape:
        raise ShapeError(f"repair: the targets have shape {targets.shape}, but the results {before.shape}, channels "
                         "last; give as many, of the same sizes.")
    return wanted


def _apart(result: Array, wanted: Array) -> float:
    return float(np.square(result - wanted).mean())


def _tune(model: Mendable, mended: Sequence[Mended], fit: tuple[Inputs, Array | None], look: tuple[Inputs, Array],
          tuning: Tuning | None, targets: Array | None) -> Tuned | None:
    """Tune what was mended, towards the targets or towards the earlier results less the pattern in them."""
    if tuning is None or not mended or fit[1] is None:
        return None
    places, periods = {one.where for one in mended}, sorted({each for one in mended for each in one.periods})
    count = len(next(iter(fit[0].values())))
    ends = [without_pattern(each, periods) if targets is None else each for each in (fit[1][:count], look[1])]
    patients = [one for one in model.patients() if one.where in places]
    return tuned(model, patients, periods, (fit[0], ends[0]), (look[0], ends[1]), tuning)
