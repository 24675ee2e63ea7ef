"""What to do about a layer: each finding with its cure, and what the cure costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..conventions import leading_zero_tap
from ..diagnose import gains, shuffle_gains, unevenness
from ..errors import TconvError
from ..geometry import Axis, Problem, Spec, cost, problem_from_coarse
from .facts import LayerFact

__all__ = ["FINDERS", "LEVELS", "Cure", "Finding", "findings", "ripple"]

VISIBLE = 0.01  # of the picture below it: what an eye makes out on a flat field


@dataclass(frozen=True, slots=True)
class Cure:
    """What to do.

    Args:
        says: it, in words.
        multiply_adds: of the layer after that; None where sizes are not known, or it is not about them.
        trained: whether trained weights stay what they are, or are turned exactly; else the model is to be trained
            further, or differs.
    """

    says: str
    multiply_adds: int | None = None
    trained: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one layer.

    Args:
        where: the layer.
        kind: a key in `FINDERS`.
        level: a key in `LEVELS`.
        says: what is so, in words that fit every layer of which it is so.
        amount: how much of it there is here.
        cures: what to do about it, the best first.
        multiply_adds: of the layer as it is; None where that is not known.
    """

    where: str
    kind: str
    level: str
    says: str
    amount: str = ""
    cures: tuple[Cure, ...] = ()
    multiply_adds: int | None = None


LEVELS = {
    "fault": "outputs are wrong or empty",
    "risk": "a pattern may show",
    "waste": "work is done for nothing",
    "hint": "worth knowing",
}
"""How much a finding matters, the worst first."""


def findings(fact: LayerFact) -> tuple[Finding, ...]:
    """All that there is to say about a layer, the worst first."""
    found = [finding for finder in FINDERS.values() for finding in finder(fact)]
    return tuple(sorted(found, key=lambda finding: list(LEVELS).index(finding.level)))


def ripple(fact: LayerFact) -> float | None:
    """How strong a pattern a layer's own kernel prints on a flat input, relative to what is below it; None: no kernel.

    0 keeps a flat input flat. Resizing first always does, away from the ends.
    """
    if fact.kind in ("resize_conv", "resize", "shuffle"):
        return 0.0 if fact.kind == "resize_conv" else None
    if fact.kernel is None or fact.spec is None or not _finite(fact):
        return None
    try:
        if fact.transposed:
            return math.sqrt(unevenness(gains(fact.kernel, fact.spec), fact.spec.rank))
        if fact.kind == "conv_shuffle" and fact.spec.groups == 1:
            found = shuffle_gains(fact.kernel, fact.shuffle or 1, order=fact.order)
            return math.sqrt(unevenness(found, fact.spec.rank))
    except TconvError:
        return None
    return None


def _finite(fact: LayerFact) -> bool:
    return fact.kernel is None or bool(np.isfinite(fact.kernel.astype(np.float64)).all())


def _broken(fact: LayerFact) -> Iterator[Finding]:
    """Kernels that hold what is no number, after a training that went astray, or a damaged file."""
    if not _finite(fact):
        yield _finding(fact, "broken", "fault", "its kernel holds infinities, or what is no number: so do its results",
                       "", Cure("load an earlier checkpoint, or the file again", fact.multiply_adds, trained=False))


def _finding(fact: LayerFact, kind: str, level: str, says: str, amount: str, *cures: Cure) -> Finding:
    return Finding(fact.where, kind, level, says, amount, cures, fact.multiply_adds)


def _strided(fact: LayerFact) -> bool:
    return fact.transposed and fact.spec is not None and any(axis.stride > 1 for axis in fact.spec.axes)


def _overlap(fact: LayerFact) -> Iterator[Finding]:
    """Phases that collect different numbers of taps, or none."""
    if not _strided(fact) or all(len(set(axis)) == 1 for axis in fact.overlap):
        return
    assert fact.spec is not None
    counts = ", ".join(dict.fromkeys(":".join(map(str, axis)) for axis in fact.overlap))
    wider = Cure(f"kernel {_by(_divided(fact.spec))}, which the stride divides, trained anew",
                 _cost_of(fact, _divided(fact.spec)), trained=False)
    if any(0 in axis for axis in fact.overlap):
        yield _finding(fact, "overlap", "fault", "holes: in some phases of the stride no tap meets, and outputs get "
                       "nothing but the bias", counts, wider)
        return
    mend = Cure("tconv repair: the smallest change of the trained kernel that evens the phases", fact.multiply_adds)
    yield _finding(fact, "overlap", "risk", "uneven overlap: more taps meet in some phases of the stride than in "
                   "others, which invites a checkerboard", counts, mend, wider, _resized(fact))


def _divided(spec: Spec) -> tuple[int, ...]:
    """Kernels that the stride divides, no smaller."""
    return tuple(-(-axis.kernel // axis.stride) * axis.stride for axis in spec.axes)


def _resized(fact: LayerFact) -> Cure:
    """Nearest, then a convolution of the size that reaches as far."""
    return Cure("resize first, then a 3-tap convolution, trained anew", _cost_resized(fact, 3), trained=False)


def _by(sizes: Sequence[int] | Iterator[int]) -> str:
    sizes = tuple(sizes)
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def _cost_of(fact: LayerFact, kernel: tuple[int, ...]) -> int | None:
    """Multiply-adds of the same layer with another kernel that leaves the same size."""
    problem, extent = fact.problem, fact.extent
    if problem is None or extent is None:
        return None
    axes = []
    for axis, taps in zip(problem.axes, kernel, strict=True):
        total = axis.lo + axis.hi + (taps - axis.kernel) * axis.dilation
        axes.append(Axis(taps, axis.stride, axis.dilation, (total // 2, total - total // 2)))
    return cost(problem_from_coarse(Spec(tuple(axes), problem.groups), problem.coarse), extent).multiply_adds


def _cost_resized(fact: LayerFact, taps: int) -> int | None:
    """Multiply-adds of a convolution at the fine size, ends left out."""
    problem, extent = fact.problem, fact.extent
    if problem is None or extent is None:
        return None
    each = extent.coarse_channels * extent.fine_channels // problem.groups
    return extent.batch * math.prod(problem.fine) * taps**problem.rank * each


def _uneven_gains(fact: LayerFact) -> Iterator[Finding]:
    """Trained kernels whose phases do not add up to the same."""
    found = ripple(fact)
    if found is None or found < VISIBLE or not (_strided(fact) or fact.kind == "conv_shuffle"):
        return
    if any(0 in axis for axis in fact.overlap):
        return  # said already: phases that get nothing
    says = "the kernel's phases add up to different sums: of a flat input comes a pattern, this strong beside its mean"
    start = "icnr" if fact.kind == "conv_shuffle" else "icnr_transposed, or bilinear"
    cures = [Cure(f"next time start with tconv.initialize.{start}: every phase alike", trained=False)]
    if fact.transposed:
        cures.insert(0, Cure("tconv repair: the smallest change that evens the sums, at no cost", fact.multiply_adds))
    yield _finding(fact, "gains", "risk", says, f"{found:.1%}" if found < 0.1 else f"{found:.0%}", *cures)


def _asymmetric(fact: LayerFact) -> Iterator[Finding]:
    """Crops that only some targets can say."""
    if not fact.transposed or fact.spec is None or all(axis.lo == axis.hi for axis in fact.spec.axes):
        return
    crops = ", ".join(dict.fromkeys(f"({axis.lo}, {axis.hi})" for axis in fact.spec.axes))
    yield _finding(fact, "asymmetric", "waste", "the crop differs at the two ends: PyTorch has words for only some "
                   "such crops, and ONNX Runtime's CUDA provider hands the layer to the CPU", crops,
                   Cure("tconv optimize: zero taps at the kernel's end make both ends alike, exactly",
                        _cost_tapped(fact)))


def _cost_tapped(fact: LayerFact) -> int | None:
    problem, extent = fact.problem, fact.extent
    if problem is None or extent is None or fact.spec is None:
        return None
    try:
        _, spec = leading_zero_tap(np.zeros((*problem.kernel, 1, problem.groups)), fact.spec)
        return cost(problem_from_coarse(spec, problem.coarse), extent).multiply_adds
    except TconvError:
        return None


def _folds(fact: LayerFact) -> Iterator[Finding]:
    """What stands behind a layer and could be in it."""
    if fact.norm is not None and fact.norm.folds and fact.kernel is not None:
        cells = _cells(fact)
        kind = {"scale": "scale"}.get(fact.norm.kind, f"{fact.norm.kind} norm")
        yield _finding(fact, "fold", "waste", f"a {kind} behind it goes through all its results once more",
                       "" if cells is None else f"{cells:,} numbers",
                       Cure("tconv optimize, or accelerate(freeze=True): folded into kernel and bias",
                            fact.multiply_adds))
    if fact.norm is not None and fact.norm.kind == "batch" and fact.bias is not None:
        yield _finding(fact, "idle bias", "hint", "its bias does nothing while training, since the batch norm behind "
                       "it takes the mean away", "", Cure("leave the bias out", fact.multiply_adds, trained=False))


def _cells(fact: LayerFact) -> int | None:
    """Numbers in what a layer gives."""
    if not fact.sized or fact.channels[1] is None:
        return None
    return fact.batch * math.prod(fact.output) * fact.channels[1]  # type: ignore[arg-type]


def _phases(fact: LayerFact) -> Iterator[Finding]:
    """A nearest resize whose copies a convolution multiplies one by one."""
    resize = fact.resize
    if (fact.kind != "resize_conv" or resize is None or resize.interpolation != "nearest" or fact.spec is None
            or resize.factor is None or not all(isinstance(times, int) for times in resize.factor)
            or any(axis.dilation > 1 for axis in fact.spec.axes) or max(resize.factor) == 1
            or fact.padding != "zeros"):
        return
    factor = tuple(map(int, resize.factor))
    yield _finding(fact, "copies", "waste", "every cell is copied, and each copy multiplied on its own",
                   f"{_by(factor)} times along an axis",
                   Cure("tconv optimize, or accelerate: equal phases at the coarse size", _cost_merged(fact, factor)))


def _cost_merged(fact: LayerFact, factor: tuple[int, ...]) -> int | None:
    """Multiply-adds of the transposed convolution that a nearest resize and a convolution come to."""
    problem, extent = fact.problem, fact.extent
    if problem is None or extent is None:
        return None
    kernel = tuple(taps + times - 1 for taps, times in zip(problem.kernel, factor, strict=True))
    lo = tuple(taps - 1 - low for taps, low in zip(problem.kernel, problem.lo, strict=True))
    merged = Problem(kernel, factor, (1,) * problem.rank, lo, fact.input, problem.coarse, problem.groups)  # type: ignore[arg-type]
    return cost(merged, extent._replace(coarse_channels=extent.fine_channels,
                                        fine_channels=extent.coarse_channels)).multiply_adds


def _disjoint(fact: LayerFact) -> Iterator[Finding]:
    """Stamps that do not overlap: a matrix product and a dealing out."""
    if _strided(fact) and fact.spec is not None and all(
            axis.kernel == axis.stride and axis.dilation == 1 and axis.crop == (0, 0) for axis in fact.spec.axes):
        yield _finding(fact, "disjoint", "hint", "its stamps lie side by side: it equals a 1-tap convolution and a "
                       "pixel shuffle", "", Cure("tconv optimize: where that is faster on this machine",
                                             fact.multiply_adds))


def _cropped(fact: LayerFact) -> Iterator[Finding]:
    """Work that the crop throws away."""
    useful, done = fact.multiply_adds, fact.executed.get("columns")
    if fact.transposed and useful is not None and done and useful < 0.8 * done:
        yield _finding(fact, "cropped", "waste", "of the usual multiply-adds a part falls into the crop",
                       f"{1 - useful / done:.0%}", Cure("tconv's engine leaves them out (accelerate)", useful))


FINDERS: dict[str, Callable[[LayerFact], Iterator[Finding]]] = {
    "broken": _broken, "overlap": _overlap, "gains": _uneven_gains, "copies": _phases, "asymmetric": _asymmetric,
    "fold": _folds, "cropped": _cropped, "disjoint": _disjoint,
}
"""What is looked for."""
