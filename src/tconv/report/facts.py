"""What is to be said about a training that is done: plain data, drawn afterwards."""

from __future__ import annotations

import datetime
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..recipes import Compiled, Judged, Run
from ..recipes.checkpoint import Epoch
from ..recipes.recipe import Figure
from ..recipes.settings import kinds
from ..recipes.training import batches
from .checkerboard import Enlarging, enlarging
from .layers import LayerFacts, Shape, layer_facts
from .machine import Machine, machine, versions

__all__ = ["RunFacts", "command", "run_facts"]

MOST_TIMED = 256
MOST_NUMBERS = 1 << 22  # that go into a layer at once while it is timed
FRAMEWORKS = {"jax": ("jax", "jaxlib"), "torch": ("torch",), "tensorflow": ("tensorflow",)}


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A training and its result.

    Args:
        recipe: its name.
        title: headline.
        says: what was trained.
        source: where the data are from.
        counts: how many examples there are, by name.
        settings: as they were in force.
        command: that makes it again.
        history: the epochs.
        metrics: in words, by name.
        figures: of merit, the most important one first.
        kept: what using the network needs besides.
        parameters: numbers that the network learned.
        layers: in order.
        gflops: useful floating-point operations a second in training, validation included, in 10^9; None where a
            step is more than the network forward and backward.
        machine: where it was trained.
        versions: of everything that had a part.
        finished: date and time, ISO 8601.
        enlarging: the layers that enlarge, and how evenly they do.
    """

    recipe: str
    title: str
    says: str
    source: str
    counts: Mapping[str, int]
    settings: Mapping[str, Any]
    command: str
    history: tuple[Epoch, ...]
    metrics: Mapping[str, str]
    figures: Sequence[Figure]
    parameters: int
    layers: tuple[LayerFacts, ...]
    gflops: float | None
    machine: Machine
    versions: Mapping[str, str]
    finished: str
    kept: Mapping[str, Any] = field(default_factory=dict)
    enlarging: tuple[Enlarging, ...] = ()

    @property
    def seconds(self) -> float:
        """What all epochs took."""
        return sum(epoch.seconds for epoch in self.history)

    @property
    def examples_per_second(self) -> float:
        """Training examples a second, validation's time included; the first epoch compiles, the best does not."""
        return next(iter(self.counts.values())) / min(epoch.seconds for epoch in self.history)

    def json(self) -> str:
        """All of it, for programs."""
        layers = [{**asdict(layer), "gflops": layer.gflops} for layer in self.layers]
        more = {"layers": layers, "seconds": self.seconds, "examples_per_second": self.examples_per_second}
        return json.dumps({**asdict(self), **more}, indent=2) + "\n"


def run_facts(run: Run) -> tuple[RunFacts, Judged]:
    """Judge a finished training, and time its layers."""
    judged = run.recipe.judge(run.trained, run.data)
    shape = _shape(run)
    numbers = int(np.prod(shape))
    layers = layer_facts(run.learner.model, shape=shape,
                         batch=max(1, min(run.settings.batch_size, MOST_TIMED, MOST_NUMBERS // numbers)))
    facts = RunFacts(
        recipe=run.recipe.name, title=judged.title, says=judged.says, source=run.data.source, counts=_counts(run),
        settings=run.settings.plain(), command=command(run.settings), history=run.saved.history,
        metrics=run.recipe.metrics, figures=judged.figures, kept=judged.kept,
        parameters=int(run.learner.model.count_params()), layers=layers,
        gflops=_work(run, layers) if isinstance(run.learner, Compiled) else None,
        machine=machine(), versions=versions(("numpy", "keras", *FRAMEWORKS[run.settings.backend])),
        finished=datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        enlarging=enlarging(run.learner.model),
    )
    return facts, judged


def command(settings: Any) -> str:
    """The command line that trains with these settings.

    >>> from tconv.recipes.autoencoder import Settings
    >>> command(Settings(filters=(16, 8), seed=3))
    'tconv train autoencoder --filters 16,8 --seed 3'
    """
    said = [_option(kind.name, getattr(settings, kind.name)) for kind in kinds(type(settings))
            if getattr(settings, kind.name) != kind.default]
    return " ".join([f"tconv train {settings.recipe}", *sorted(said)])


def _option(name: str, value: Any) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {shlex.quote(','.join(map(str, value)) if isinstance(value, tuple) else str(value))}"


def _shape(run: Run) -> Shape:
    """Of one example, as the network takes it in training."""
    own = tuple(run.learner.model.inputs[0].shape[1:])
    if None not in own:
        return own
    return tuple(next(batches(run.data.train, 1))[0].shape[1:])


def _counts(run: Run) -> Mapping[str, int]:
    validated = {"to validate": len(run.data.validation)} if run.data.validation is not None else {}
    return run.data.counts or {"to train": len(run.data.train), **validated}


def _work(run: Run, layers: Sequence[LayerFacts]) -> float:
    """Useful operations a second in the best epoch: forward, both gradients but for the first layer's input."""
    each = [2 * (layer.multiply_adds or 0) for layer in layers]
    first = next((work for work in each if work), 0)
    validated = len(run.data.validation) if run.data.validation is not None else 0
    work = len(run.data.train) * (3 * sum(each) - first) + validated * sum(each)
    return work / min(epoch.seconds for epoch in run.saved.history) / 1e9
