"""The loop that all recipes share: batches drawn from (seed, epoch, step), metrics by name, checkpoints on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import SettingError
from ..methods.channels import Array
from .checkpoint import Checkpoint, Epoch, Part, snapshot
from .recipe import Batch, Data, Examples, Learner

__all__ = ["Step", "Watch", "batches", "evaluate", "order", "train"]

SECONDS_BETWEEN_CHECKPOINTS = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step done: what a progress display needs.

    Args:
        epoch: number of the epoch, from 1.
        step: number of the step within it, from 1.
        steps: steps in an epoch.
        metrics: means over the epoch's examples so far.
        seen: how many examples those are.
        seconds: since the epoch began.
    """

    epoch: int
    step: int
    steps: int
    metrics: Mapping[str, float]
    seen: int
    seconds: float


Watch = Callable[[Step | Epoch], None]
Keep = Callable[[Checkpoint], None]


def order(seed: int, epoch: int, count: int) -> Array:
    """The order in which an epoch takes the examples: a function of the seed and the epoch's number, nothing else."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def batches(examples: Examples, size: int, *, seed: int = 0, epoch: int = 0, after: int = 0) -> Iterator[Batch]:
    """The batches of one epoch, the last one perhaps smaller; those of epoch 0 are in their own order.

    Args:
        examples: to draw from.
        size: examples a batch.
        seed: of the order, and of all that is drawn.
        epoch: its number, from 1; 0 is how validation and tests are read.
        after: so many batches are passed over.
    """
    count = len(examples)
    places = order(seed, epoch, count) if epoch else np.arange(count)
    for step, at in enumerate(range(after * size, count, size), start=after + 1):
        yield examples.batch(places[at : at + size], np.random.default_rng((seed, epoch, step)))


def train(learner: Learner, data: Data, saved: Checkpoint, *, keep: Keep, watch: Watch,
          after_epoch: Callable[[int], Mapping[str, float]] = lambda _: {}) -> Checkpoint:
    """Train from `saved` to the last epoch of its settings.

    Args:
        learner: holds the variables of `saved`.
        data: to learn from.
        saved: the state to go on from.
        keep: called with the checkpoint after each epoch, and within long ones.
        watch: called after each step and each epoch.
        after_epoch: more named numbers for an epoch, by its number.

    Returns:
        The last checkpoint.

    Raises:
        SettingError: if a metric is no longer a number; what was kept last is whole.
    """
    settings = saved.settings
    for epoch in range(len(saved.history) + 1, settings["epochs"] + 1):
        began = time.perf_counter() - saved.part.seconds
        part = _pass(learner, data.train, saved, began, keep, watch)
        metrics = _means(part)
        if data.validation is not None:
            found = evaluate(learner, data.validation, settings["batch_size"])
            metrics |= {f"val_{name}": value for name, value in found.items()}
        metrics |= after_epoch(epoch)
        row = Epoch(epoch, metrics, time.perf_counter() - began)
        saved = _noted(learner, replace(saved, history=(*saved.history, row), part=Part()))
        keep(saved)
        watch(row)
    return saved


def _pass(learner: Learner, examples: Examples, saved: Checkpoint, began: float, keep: Keep, watch: Watch) -> Part:
    epoch, part, kept = len(saved.history) + 1, saved.part, time.monotonic()
    size, seed = saved.settings["batch_size"], saved.settings["seed"]
    steps = -(-len(examples) // size)
    for batch in batches(examples, size, seed=seed, epoch=epoch, after=part.steps):
        found = _numbers(learner.step(*batch), epoch, part.steps + 1)
        part = _added(part, found, len(batch[0]), time.perf_counter() - began)
        if part.steps < steps and time.monotonic() - kept >= SECONDS_BETWEEN_CHECKPOINTS:
            keep(_noted(learner, replace(saved, part=part)))
            kept = time.monotonic()
        watch(Step(epoch, part.steps, steps, _means(part), part.seen, part.seconds))
    return part


def evaluate(learner: Learner, examples: Examples, batch_size: int) -> dict[str, float]:
    """A learner's metrics over all of these examples."""
    part = Part()
    for batch in batches(examples, batch_size):
        found = {name: float(np.squeeze(value)) for name, value in learner.test(*batch).items()}
        part = _added(part, found, len(batch[0]), 0.0)
    return _means(part)


def _added(part: Part, found: Mapping[str, float], count: int, seconds: float) -> Part:
    sums = {name: part.sums.get(name, 0.0) + value * count for name, value in found.items()}
    return Part(part.steps + 1, part.seen + count, seconds, sums)


def _means(part: Part) -> dict[str, float]:
    return {name: total / part.seen for name, total in part.sums.items()}


def _noted(learner: Learner, saved: Checkpoint) -> Checkpoint:
    variables, paths = snapshot(learner.variables())
    return replace(saved, variables=variables, paths=paths)


def _numbers(found: Mapping[str, Any], epoch: int, step: int) -> dict[str, float]:
    numbers = {name: float(np.squeeze(value)) for name, value in found.items()}
    for name, number in numbers.items():
        if not np.isfinite(number):
            raise SettingError(f"train: the {name} is {number} in step {step} of epoch {epoch}; the last checkpoint is "
                               "still whole. Take a smaller learning rate, or look for values in the data that are not "
                               "numbers.")
    return numbers
