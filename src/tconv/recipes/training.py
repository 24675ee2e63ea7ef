"""The loop that all recipes share: one compiled step, order drawn from (seed, epoch), a checkpoint after each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SettingError
from ..methods.channels import Array
from . import checkpoint
from .checkpoint import Checkpoint, Epoch

__all__ = ["Plan", "Step", "Watch", "evaluate", "order", "train"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how a training goes.

    Args:
        epochs: passes over the data, >= 1.
        batch_size: images a step, >= 1.
        seed: of the weights and of every epoch's order, >= 0.
    """

    epochs: int
    batch_size: int
    seed: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step done: what a progress display needs.

    Args:
        epoch: number of the epoch, from 1.
        step: number of the step within it, from 1.
        steps: steps in an epoch.
        loss: mean over the epoch's images so far.
        images: how many images those are.
        seconds: since the epoch began.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    images: int
    seconds: float


Watch = Callable[[Step | Epoch], None]


def order(seed: int, epoch: int, count: int) -> Array:
    """The order in which an epoch takes the images: a function of the seed and the epoch's number, nothing else."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def train(
    model: Any, training: Array, validation: Array, *, plan: Plan, path: Path, start: Checkpoint, watch: Watch,
) -> Checkpoint:
    """Train a compiled Keras model to give back its own input, from `start` to the last epoch.

    Args:
        model: compiled; holds the variables of `start`.
        training: float32, shape `(N, *I, C)`.
        validation: float32, shape `(M, *I, C)`.
        plan: epochs, batch size, seed.
        path: where the checkpoint is written after each epoch.
        start: the state to go on from.
        watch: called after each step and each epoch.

    Returns:
        The last checkpoint.

    Raises:
        SettingError: if the loss is no longer a number.
        DataError: if a checkpoint cannot be written.
    """
    saved = start
    for epoch in range(len(start.history) + 1, plan.epochs + 1):
        began = time.perf_counter()
        loss = _pass(model, training, plan, epoch, began, watch)
        row = Epoch(epoch, loss, evaluate(model, validation, plan.batch_size), time.perf_counter() - began)
        variables, paths = checkpoint.snapshot(model)
        saved = Checkpoint(start.settings, start.data, (*saved.history, row), variables, paths)
        checkpoint.write(path, saved)
        watch(row)
    return saved


def _pass(model: Any, images: Array, plan: Plan, epoch: int, began: float, watch: Watch) -> float:
    steps, total, seen = -(-len(images) // plan.batch_size), 0.0, 0
    places = order(plan.seed, epoch, len(images))
    for step, part in enumerate(_parts(len(images), plan.batch_size), start=1):
        batch = images[places[part]]
        total += _number(model.train_on_batch(batch, batch), epoch, step) * len(batch)
        seen += len(batch)
        watch(Step(epoch, step, steps, total / seen, seen, time.perf_counter() - began))
    return total / seen


def evaluate(model: Any, images: Array, batch_size: int) -> float:
    """Mean loss of a compiled Keras model that gives back its own input."""
    total = 0.0
    for part in _parts(len(images), batch_size):
        batch = images[part]
        total += float(np.squeeze(model.test_on_batch(batch, batch))) * len(batch)
    return total / len(images)


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(at, min(at + size, count)) for at in range(0, count, size))


def _number(loss: Any, epoch: int, step: int) -> float:
    number = float(np.squeeze(loss))
    if not np.isfinite(number):
        raise SettingError(f"train: the loss is {number} in step {step} of epoch {epoch}; the last checkpoint is "
                           "still whole. Take a "
                           "smaller learning rate, or look for values in the data that are not numbers.")
    return number
