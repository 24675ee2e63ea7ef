"""Grey 28x28 images in two parts, one to train on and one to be judged by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ...methods.channels import Array

__all__ = ["SIDE", "Digits", "check_images", "first", "parted"]

SIDE = 28
FEWEST = 10


@dataclass(frozen=True, slots=True)
class Digits:
    """Images to train on and to test with, and where they came from.

    Args:
        train: uint8, shape `(N, 28, 28)`, 0 is black.
        test: uint8, shape `(M, 28, 28)`.
        source: in words, for the report.
        train_labels: what each shows, whole numbers, shape `(N,)`; None where nobody said.
        test_labels: the same of the others, shape `(M,)`.
    """

    train: Array
    test: Array
    source: str
    train_labels: Array | None = None
    test_labels: Array | None = None

    @property
    def digest(self) -> str:
        """The same for the same images in the same order; a resumed run checks it."""
        joined = hashlib.sha256(f"{self.train.shape} {self.test.shape} ".encode())
        joined.update(memoryview(np.ascontiguousarray(self.train)))  # type: ignore[arg-type]
        joined.update(memoryview(np.ascontiguousarray(self.test)))  # type: ignore[arg-type]
        return joined.hexdigest()[:16]


def check_images(where: str, shape: tuple[int, ...], dtype: object) -> None:
    """Refuse what is not a stack of grey 28x28 images of one byte a pixel.

    Raises:
        DataError: with what was found.
    """
    if len(shape) != 3 or tuple(shape[1:]) != (SIDE, SIDE) or dtype != np.uint8:
        raise DataError(f"{where}: holds {dtype} of shape {tuple(shape)}, but has to be uint8 of shape (N, {SIDE}, "
                        f"{SIDE}); "
                        "a folder of PNG or JPEG images of any size is taken too.")
    if shape[0] < 1:
        raise DataError(f"{where}: holds no images; give a file with images in it.")


def parted(where: str, images: Array, source: str, labels: Array | None = None) -> Digits:
    """Put images in an order that is drawn once and for all, and keep every seventh for the test, as MNIST does.

    Raises:
        DataError: if there are too few.
    """
    if len(images) < FEWEST:
        raise DataError(f"{where}: holds {len(images)} images, but a training wants {FEWEST} or more.")
    places = np.random.default_rng(0).permutation(len(images))
    images, labels = images[places], None if labels is None else labels[places]
    cut = len(images) - max(1, len(images) // 7)
    parts = (None, None) if labels is None else (labels[:cut], labels[cut:])
    return Digits(images[:cut], images[cut:], source, *parts)


def first(digits: Digits, count: int) -> Digits:
    """The first `count` images to train on, and a sixth as many to test with, for a quick try.

    Raises:
        DataError: if there are not that many, or too few.
    """
    if not FEWEST <= count <= len(digits.train):
        raise DataError(f"limit: is {count}, but has to lie between {FEWEST} and the {len(digits.train)} training "
                        "images "
                        "that there are.")
    tests = max(1, count // 6)
    labels = [None if labels is None else labels[:most] for labels, most in
              ((digits.train_labels, count), (digits.test_labels, tests))]
    return Digits(digits.train[:count], digits.test[:tests], f"{digits.source}, the first {count:,}", *labels)
