"""The passes put to work on a model: each place judged by running it, the whole compared with the original."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto

from ...errors import DataError, SettingError
from .compare import Difference
from .graph import Graph, inferred
from .judge import alone, judged
from .layer import ROWS
from .load import load
from .outcome import Outcome, Step
from .site import ALWAYS, ASKED, FASTER, Pass, Site
from .table import PASSES
from .trial import Trial

__all__ = ["Settings", "chosen", "optimize"]

Array = NDArray[Any]
Decisions = Mapping[tuple[str, str], str]
CHANCE = 0.98  # what only leaves something out is not slower than this but by chance
LOOKS = 3  # at a whole that seems slower, before something is taken back
WHOLE = 4  # times as long as one place, the whole is measured


def _quiet(step: Step) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Settings:
    """How a model is rewritten.

    Args:
        passes: the names in `PASSES` that may be used; None for all but those that are only done where asked for.
        measure: whether what is done where it is faster is measured; otherwise the first way is taken everywhere.
        threads: of ONNX Runtime; 0 for as many as it takes by itself.
        seconds: for measuring one place, about.
        tolerance: how far an output may be from the original, as a share of its largest number; what rounding does to
            the original itself is allowed too.
        seed: of random inputs.
        told: is given each step when it is done.
    """

    passes: Sequence[str] | None = None
    measure: bool = True
    threads: int = 0
    seconds: float = 0.6
    tolerance: float = 1e-4
    seed: int = 0
    told: Callable[[Step], None] = _quiet


def optimize(
    source: str | Path | ModelProto,
    *,
    inputs: Mapping[str, Array] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """Rewrite an ONNX model to one that computes the same, faster on this machine.

    Args:
        source: a file or a model; neither is touched.
        inputs: to run it on, by name; random ones are drawn for the rest.
        shapes: of inputs that are not given and whose sizes the model leaves open.
        settings: how.

    Returns:
        The model, every step, and the largest difference of any output from the original's.

    Raises:
        DataError: if the file is no model, or the result would differ from the original.
        SettingError: if there is no such pass or input.
        ShapeError: if inputs do not fit, or sizes have to be given.
    """
    settings = settings or Settings()
    passes = chosen(settings.passes)
    model = source if isinstance(source, ModelProto) else load(source)
    trial = Trial(model, inputs or {}, shapes or {}, settings.threads, settings.seed)
    return _Work(model, trial, settings, passes).outcome()


def chosen(names: Sequence[str] | None) -> list[Pass]:
    """Passes by name, in the order of the table.

    Raises:
        SettingError: if there is none of a name.

    >>> [one.name for one in chosen(["phases", "crop"])]
    ['crop', 'phases']
    """
    if names is None:
        return [one for one in PASSES.values() if one.when != ASKED]
    for name in names:
        if name not in PASSES:
            raise SettingError(f"optimize: {name!r} is no pass; there are {', '.join(PASSES)}.")
    return [one for one in PASSES.values() if one.name in names]


class _Work:
    """One model on its way."""

    def __init__(self, model: ModelProto, trial: Trial, settings: Settings, passes: Sequence[Pass]):
        self.original, self.trial, self.settings, self.steps = model, trial, settings, list[Step]()
        self.graph = Graph(model, inferred(model))
        self.notes = [f"The whole was not run: {trial.refusal} Each change was compared by itself."] * (not trial.runs)
        self.notes += [f"{one.name} is left out: it needs operators of version {one.opset}, the model has "
                       f"{self.graph.opset}." for one in passes if one.opset > self.graph.opset]
        self.passes = [one for one in passes if one.opset <= self.graph.opset]

    def outcome(self) -> Outcome:
        """Every pass tried, and the whole compared and timed."""
        while sum([self._everywhere(one) for one in self._those(ALWAYS)]):
            pass  # what is out of the way may bring the next within reach
        plain = self.graph.to_model()
        for one in self._those(FASTER):
            self._where_faster(one)
        for one in self._those(ASKED):
            self._everywhere(one)
        return self._settled(plain) if self.trial.runs else self._done(Difference(), None)

    def _those(self, when: str) -> list[Pass]:
        return [one for one in self.passes if one.when == when]

    def _everywhere(self, one: Pass) -> int:
        """Do a pass wherever it fits, and take it back if the whole then differs; how often it was done."""
        before, made = Graph(self.graph.to_model(), self.graph.shapes), list[Step]()
        for site in _places(one, self.graph):
            way, write = next(iter(site.ways.items()))
            same = self.trial.runs or alone(self.graph, site, write, self.settings.seed) <= self.settings.tolerance
            if same:
                _apply(self.graph, site, way)
            made.append(Step(one.name, site.where, way, same, output=site.output,
                             why="" if same else "it differs, or could not be compared"))
        if made and self.trial.runs and not self._same(self._compared()):
            self.graph, made = before, [replace(step, kept=False, why="the model would differ") for step in made]
        self._tell(made)
        return sum(step.kept for step in made)

    def _where_faster(self, one: Pass) -> None:
        for site in _places(one, self.graph):
            step = judged(one.name, site.where, self.graph, site, self.trial, self.settings)
            if step.kept:
                _apply(self.graph, site, step.way)
            self._tell([step])

    def _tell(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step not in self.steps:
                self.steps.append(step)
                self.settings.told(step)

    def _same(self, found: Difference) -> bool:
        return found.within(self.settings.tolerance)

    def _compared(self) -> Difference:
        """How far the whole is by now; infinitely where it does not even run."""
        try:
            return self.trial.compared(self.graph.to_model(), self.settings.tolerance)
        except DataError as error:
            return Difference(float("inf"), 1.0, str(error))

    def _settled(self, plain: ModelProto) -> Outcome:
        """The whole, with what was done where it is faster taken back piece by piece as long as it is slower."""
        while True:
            found = self._compared()
            if not self._same(found):
                raise DataError(
                    f"optimize: the rewritten model differs from the original by {found.largest:.3g} in "
                    f"{found.value!r}, whose largest number is {found.scale:.3g}; that is more than "
                    f"{self.settings.tolerance:g} of it, so nothing is written. Leave passes out (--without NAME), or "
                    "allow more (--tolerance).")
            times = self._timed() if self.settings.measure else None
            doubtful = [step for step in self.steps if step.kept and step.gain is not None]
            if times is None or times[1] <= times[0] or (not doubtful and times[1] * CHANCE <= times[0]):
                return self._done(found, times)
            if not doubtful:
                return self._as_it_was()
            self._take_back(min(doubtful, key=lambda step: step.before - step.after), plain)  # type: ignore[operator]

    def _timed(self) -> tuple[float, float]:
        """Seconds of the original and of the whole by now; where it seems slower, the middle one of several looks."""
        model = self.graph.to_model()
        looks = [self.trial.timed(model, WHOLE * self.settings.seconds)]
        while looks[0][1] > looks[0][0] and len(looks) < LOOKS:
            looks.append(self.trial.timed(model, WHOLE * self.settings.seconds))
        return sorted(looks, key=lambda look: look[1] / look[0])[len(looks) // 2]

    def _take_back(self, least: Step, plain: ModelProto) -> None:
        self.steps[self.steps.index(least)] = replace(least, kept=False, why="the whole was not faster with it")
        decisions = {(step.name, step.output): step.way for step in self.steps if step.kept}
        self.graph = Graph(plain, self.graph.shapes)
        for one in (*self._those(FASTER), *self._those(ASKED)):
            for site in _places(one, self.graph):
                way = decisions.get((one.name, site.output))
                if way in site.ways:
                    _apply(self.graph, site, way)  # type: ignore[arg-type]

    def _as_it_was(self) -> Outcome:
        self.steps = [replace(step, kept=False, why=step.why or "the whole was slower with it") for step in self.steps]
        return Outcome(self.original, tuple(self.steps), Difference(), None, None, self.trial.sizes,
                       tuple(self.notes))

    def _done(self, found: Difference, times: tuple[float, float] | None) -> Outcome:
        before, after = times or (None, None)
        return Outcome(self.graph.to_model(), tuple(self.steps), found, before, after, self.trial.sizes,
                       tuple(self.notes))


def _places(one: Pass, graph: Graph) -> Iterator[Site]:
    """Each place that a pass finds, once; the graph may be changed in between."""
    seen = set[str]()
    while True:
        site = next((site for site in one.sites(graph) if site.output not in seen), None)
        if site is None:
            return
        seen.add(site.output)
        yield site


def _apply(graph: Graph, site: Site, way: str) -> None:
    part = graph.part(site.where)
    site.ways[way](part)
    layers = [node for node in part.nodes if node.op_type in ROWS]
    if len(layers) == 1:
        layers[0].name = site.where  # whoever knows the layer finds it again
    graph.replace(site.nodes, part)
