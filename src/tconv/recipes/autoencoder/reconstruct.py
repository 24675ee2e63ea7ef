"""`--task reconstruct`: give back what was shown. The code is larger than the image: what is learned is to undo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...methods.channels import Array
from ..data.images import small
from ..learner import Compiled
from ..recipe import Data, Figure, Judged, Made, Recipe, Trained, Use
from ..training import evaluate
from .networks import SIDE, network
from .pictures import as_input, as_pixels, digits, gallery, of_digits, predicted, psnr, seen
from .settings import Settings

__all__ = ["TASK", "one_by_one"]

WORST = 8


def data(settings: Settings) -> Data:
    """MNIST or the user's images."""
    return of_digits(digits(settings))


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network, to learn as it was compiled."""
    return Compiled(network(settings.filters or (), tied=settings.tied, learning_rate=settings.learning_rate,
                            backend=settings.backend))


def judge(trained: Trained, data: Data) -> Judged:
    """The test images beside what became of them, and where it is worst."""
    images, made, _ = seen(trained, data.test)
    distance = np.square(as_pixels(made) / 255.0 - as_pixels(images) / 255.0).mean(axis=(1, 2))
    worst = np.argsort(-distance, kind="stable")[:WORST]
    loss = evaluate(trained.learner, data.test, trained.settings.batch_size)["loss"]
    over = f"{len(images):,} test images"
    return Judged(
        "A convolutional autoencoder for digits",
        f"{len(trained.model.layers)} layers learned to give back the image that they were shown.{_code(trained)}",
        [Figure("binary cross-entropy", loss, over, better="lower", digits=4,
                baselines={"one grey everywhere": _entropy(float(images.mean()))}),
         Figure("PSNR", psnr(made, images), over, unit="dB")],
        [gallery("What it gives back", "The first test images, none of which it was trained on; below each, what the "
                 "network made of it.", test_image=images, given_back=made),
         gallery("Where it is worst", "Of all test images, those with the largest squared difference.",
                 test_image=images[worst], given_back=made[worst])],
    )


def _entropy(mean: float) -> float:
    return -(mean * math.log(mean) + (1 - mean) * math.log(1 - mean)) if 0 < mean < 1 else 0.0


def _code(trained: Trained) -> str:
    """How large the code in the middle is beside the image."""
    filters = trained.settings.filters
    side = SIDE - 2 * len(filters)
    count, pixels = side * side * filters[-1], SIDE * SIDE
    said = (f" Between encoder and decoder an image of {pixels} pixels is {side}×{side}×{filters[-1]} = {count:,} "
            "numbers.")
    if count <= pixels:
        return said
    return said + (f" That is {count / pixels:.1f} times as many as it has pixels: this network does not compress, it "
                   "learns to undo convolutions with transposed ones, and a low loss does not mean that it found a "
                   "short description of a digit (for that: --task compress).")


def one_by_one(trained: Trained, shown: Callable[[Array], Array] = as_input,
               end: str = "-reconstructed.png") -> Callable[[Array], Made]:
    """A picture of any size, made 28x28 and brought into the network's form by `shown`, to what becomes of it."""
    def made(pixels: Array) -> Made:
        image = small(pixels)
        back = as_pixels(predicted(trained, shown(image[None])))[0]
        error = float(np.square(image / 255.0 - back / 255.0).mean())
        return Made({end: back}, f"mean squared difference {error:.5f}", {"mean squared difference": error},
                    (image, back))

    return made


TASK = Recipe(
    name="autoencoder",
    says="Learn to give back what was shown.",
    settings=Settings,
    data=data,
    learner=learner,
    judge=judge,
    metrics={"loss": "binary cross-entropy"},
    uses={"reconstruct": Use("Each picture, made grey and 28x28, and what the network gives back.", one_by_one,
                             "grey")},
)
