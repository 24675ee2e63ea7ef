"""A small classifier, trained on this machine once and kept, whose inner features say what pictures show."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import whole_file
from ..methods.channels import Array
from .learner import Compiled
from .recipe import Batch, digest
from .training import batches, evaluate

__all__ = ["Question", "Seeing", "cache", "seeing", "turned"]

FEATURES = 64
BATCH = 100
PASSES = 2
SHARE_TO_TEST = 10
FORM = 1  # of the classifier and its training; another one is another file


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What the classifier has to tell.

    Args:
        images: uint8, shape `(N, H, W, C)`.
        answers: whole numbers from 0, shape `(N,)`.
        says: in words: "which digit it is".
    """

    images: Array
    answers: Array
    says: str


def turned(images: Array) -> Question:
    """For pictures of which nobody said what they show: by how many quarter turns each was turned.

    Args:
        images: uint8, shape `(N, H, H, C)`.
    """
    turns = [np.rot90(images, turn, axes=(1, 2)) for turn in range(4)]
    return Question(np.stack(turns, axis=1).reshape(-1, *images.shape[1:]), np.tile(np.arange(4), len(images)),
                    "by how many quarter turns it was turned")


@dataclass(frozen=True, slots=True, eq=False)
class Seeing:
    """The trained classifier.

    Args:
        inner: Keras model, pictures to features.
        accuracy: on pictures that it was not trained on, 0 to 1.
        says: what it tells, in words.
    """

    inner: Any
    accuracy: float
    says: str

    def features(self, images: Array) -> Array:
        """uint8 `(N, H, W, C)` to `(N, 64)`."""
        parts = (images[at : at + BATCH] for at in range(0, len(images), BATCH))
        return np.concatenate([np.asarray(self.inner.predict_on_batch(_as_input(part))) for part in parts])


def cache() -> Path:
    """Where what was trained once is kept: `tconv` in `XDG_CACHE_HOME`, or else in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tconv"


@lru_cache(maxsize=2)
def seeing(question: Question) -> Seeing:
    """The classifier for this question: the one that is kept, or else a new one, trained in seconds to a minute."""
    model = _network(question.images.shape[1:], int(question.answers.max()) + 1)
    path = cache() / f"seeing-{FORM}-{digest(question.images, question.answers)}.npz"
    kept = _read(path, model)
    if kept is None:
        kept = _trained(model, question)
        # Where nothing can be kept, it is trained again the next time.
        with suppress(DataError):
            _write(path, model, kept)
    inner = _imported().Model(model.inputs[0], model.layers[-2].output)
    return Seeing(inner, kept, question.says)


def _imported() -> Any:
    import keras

    return keras


def _network(shape: Sequence[int], answers: int) -> Any:
    """Two convolutions of stride 2, 64 features, and the answer; its fresh weights are always the same."""
    keras = _imported()
    from .layers import Conv2D

    def start(seed: int) -> Any:
        return keras.initializers.HeNormal(seed=seed)

    model = keras.Sequential([
        keras.Input(shape),
        Conv2D(16, 4, strides=2, padding="same", activation="relu", kernel_initializer=start(1)),
        Conv2D(32, 4, strides=2, padding="same", activation="relu", kernel_initializer=start(2)),
        keras.layers.Flatten(),
        keras.layers.Dense(FEATURES, activation="relu", kernel_initializer=start(3)),
        keras.layers.Dense(answers, kernel_initializer=start(4)),
    ])
    model.compile(keras.optimizers.Adam(0.001), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    return model


def _trained(model: Any, question: Question) -> float:
    """Train on nine tenths; the accuracy on the others."""
    places = np.random.default_rng(0).permutation(len(question.images))
    cut = max(1, len(places) // SHARE_TO_TEST)
    asked, kept = (_Asked(question, part) for part in (places[cut:], places[:cut]))
    learner = Compiled(model)
    for epoch in range(1, PASSES + 1):
        for batch in batches(asked, BATCH, epoch=epoch):
            learner.step(*batch)
    return evaluate(learner, kept, BATCH)["accuracy"]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Some of a question's pictures, as the classifier takes them, and the answers."""

    question: Question
    places: Array

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        at = self.places[places]
        return _as_input(self.question.images[at]), self.question.answers[at]


def _as_input(images: Array) -> Array:
    return np.multiply(images, np.float32(1 / 255), dtype=np.float32)


def _read(path: Path, model: Any) -> float | None:
    """Weights from the file into the model; its accuracy, or None if there is no whole file."""
    faults = OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile
    with suppress(*faults), np.load(path, allow_pickle=False) as file:
        model.set_weights([file[f"weight_{number}"] for number in range(len(model.weights))])
        return float(file["accuracy"])
    return None


def _write(path: Path, model: Any, accuracy: float) -> None:
    weights = {f"weight_{number}": weight for number, weight in enumerate(model.get_weights())}
    with whole_file(path) as file:
        np.savez(file, accuracy=np.float64(accuracy), **weights)  # type: ignore[arg-type]
