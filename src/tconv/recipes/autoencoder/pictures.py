"""Digits as the tasks take them, what a network makes of them, and how far that is from what it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..data import Digits, first, load
from ..recipe import Batch, Data, Examples, Gallery, Trained
from ..training import batches

__all__ = ["SHOWN", "Pictures", "as_input", "as_pixels", "digits", "gallery", "given_back", "labelled", "of_digits",
           "predicted", "psnr", "seen"]

SHARE_FOR_VALIDATION = 5
SHOWN = 16


@dataclass(frozen=True, slots=True)
class Pictures:
    """Grey images `(N, 28, 28)`, uint8, each to be given back as it is."""

    images: Array

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """The images at these places, twice."""
        images = as_input(self.images[places])
        return images, images


def as_input(images: Array) -> Array:
    """uint8 `(N, 28, 28)` to float32 `(N, 28, 28, 1)` in `0..1`."""
    return np.multiply(images[..., None], np.float32(1 / 255), dtype=np.float32)


def as_pixels(values: Array) -> Array:
    """Values in `0..1`, one channel or three, to uint8 pictures `(N, H, W)` or `(N, H, W, 3)`."""
    pixels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def digits(settings: Any) -> Digits:
    """MNIST or the user's images, all or the first so many."""
    loaded = load(settings.data)
    return loaded if settings.limit is None else first(loaded, settings.limit)


def of_digits(found: Digits, make: Callable[[Array], Examples] = Pictures) -> Data:
    """Examples made of images; the last fifth of those to train on is kept for validation."""
    cut = len(found.train) - len(found.train) // SHARE_FOR_VALIDATION
    return Data(make(found.train[:cut]), make(found.train[cut:]), make(found.test), found.source, found.digest,
                counts={"to train": cut, "to validate": len(found.train) - cut, "to test": len(found.test)})


def labelled(found: Digits, settings: Any) -> Digits:
    """The same, where each image says what it shows.

    Raises:
        DataError: if they do not.
    """
    if found.train_labels is None or found.test_labels is None:
        raise DataError(f"autoencoder: {found.source} do not say what they show, and {settings.task} has to know; put "
                        "the pictures into folders named 0, 1, 2, ..., or MNIST's labels beside its images.")
    return replace(found, train_labels=np.asarray(found.train_labels), test_labels=np.asarray(found.test_labels))


def seen(trained: Trained, examples: Examples) -> tuple[Array, Array, Array]:
    """All inputs of some examples, what the network makes of them, and what it should have made; float32."""
    pairs = list(batches(examples, trained.settings.batch_size))
    inputs, targets = (np.concatenate([pair[part] for pair in pairs]) for part in (0, 1))
    return inputs, predicted(trained, inputs), targets


def predicted(trained: Trained, inputs: Array) -> Array:
    """What the network makes of inputs `(N, H, W, C)`, batch by batch."""
    size = trained.settings.batch_size
    return np.concatenate([np.asarray(given_back(trained.model, inputs[at : at + size]))
                           for at in range(0, len(inputs), size)])


def given_back(model: Any, inputs: Array) -> Array:
    """One batch through a Keras model, as an array."""
    import keras

    return keras.ops.convert_to_numpy(model.predict_on_batch(inputs))  # type: ignore[no-any-return]


def psnr(values: Array, targets: Array, where: Array | None = None) -> float:
    """Mean peak signal-to-noise ratio over images, in dB, where white is 1.

    >>> psnr(np.full((2, 4, 4, 1), 0.1), np.zeros((2, 4, 4, 1)))
    20.0
    """
    errors = np.square(np.float64(values) - targets)
    axes = tuple(range(1, errors.ndim))
    means = errors.mean(axis=axes) if where is None else (errors * where).sum(axis=axes) / np.broadcast_to(
        where, errors.shape).sum(axis=axes)
    return round(float(np.mean(-10 * np.log10(np.maximum(means, 1e-10)))), 6)


def gallery(title: str, says: str, **rows: Array) -> Gallery:
    """The first images of stacks in `0..1`, below one another, each row under its name."""
    stacks = [as_pixels(stack[:SHOWN]) for stack in rows.values()]
    return Gallery(title, says, [name.replace("_", " ") for name in rows], list(zip(*stacks)))
