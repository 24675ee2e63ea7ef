"""A convolutional autoencoder for handwritten digits: three convolutions in, three transposed convolutions out.

The grid shrinks 28, 26, 24, 22 and grows back 24, 26, 28, because a transposed convolution returns the size that a
convolution of the same setting took. The code is 22x22x8, more numbers than the image has: what is learned is to undo
three convolutions, not to compress.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ..errors import SettingError
from ..geometry import Extent, Spec, problem_from_coarse
from ..methods.channels import Array
from .backend import use_backend
from .data import SIDE, first, load
from .data.images import small
from .learner import Compiled
from .recipe import Batch, Data, Figure, Gallery, Judged, Made, Recipe, Trained, Use
from .settings import Common, setting
from .training import evaluate

__all__ = ["RECIPE", "Pictures", "Settings", "as_input", "network"]

SHARE_FOR_VALIDATION = 5
KERNEL = (3, 3)
# What a step holds for each number that a layer gives: itself, its gradient, and what the loss keeps of it.
COPIES = 3
SHOWN = 16


@dataclass(frozen=True, slots=True)
class Settings(Common):
    """What a training of the autoencoder depends on.

    Raises:
        SettingError: if one is out of its range.
        SizeError: if a step would need more memory than this machine has.
    """

    recipe: ClassVar[str] = "autoencoder"

    # Twice Keras' own rate of 0.001, because a batch of 1000 leaves few steps.
    learning_rate: float = setting(0.002, "Of Adam.", above=0)
    batch_size: int = setting(1000, "Images a step.", least=1)
    data: str | None = setting(None, "idx files, mnist.npz, or a folder of images; else MNIST as it is installed.",
                               path=True, shown="as installed")
    filters: tuple[int, ...] = setting((32, 16, 8), "Channels after each convolution; the way back mirrors them.",
                                       least=1)

    def check(self) -> None:
        """Look whether the layers fit into the image, and a step into memory."""
        deepest = (SIDE - 1) // (KERNEL[0] - 1)
        if not 1 <= len(self.filters) <= deepest:
            raise SettingError(f"autoencoder: filters is {self.filters}, {len(self.filters)} layers, but a "
                               f"{SIDE}x{SIDE} image has room for 1 to {deepest} convolutions of 3x3.")
        for depth, (fine, coarse) in enumerate(pairwise((1, *self.filters))):
            grid = (SIDE - (KERNEL[0] - 1) * (depth + 1),) * 2
            problem_from_coarse(Spec.of(KERNEL), grid).check_memory(
                "autoencoder", Extent(min(self.batch_size, 60_000), coarse, fine), 4 * COPIES)


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


def data(settings: Settings) -> Data:
    """MNIST or the user's images; the last fifth of those to train on is kept for validation."""
    digits = load(settings.data)
    digits = digits if settings.limit is None else first(digits, settings.limit)
    cut = len(digits.train) - len(digits.train) // SHARE_FOR_VALIDATION
    return Data(Pictures(digits.train[:cut]), Pictures(digits.train[cut:]), Pictures(digits.test), digits.source,
                digits.digest, counts={"to train": cut, "to validate": len(digits.train) - cut,
                                       "to test": len(digits.test)})


def network(filters: Sequence[int] = (32, 16, 8), *, learning_rate: float = 0.002, backend: str | None = None) -> Any:
    """The network as a compiled Keras model: `(N, 28, 28, 1)` in `0..1` to the same.

    With the filters as they are it has 12,785 parameters.
    """
    use_backend(backend)
    import keras

    from .layers import Conv2D, Conv2DTranspose

    model = keras.Sequential([
        keras.Input((SIDE, SIDE, 1)),
        *(Conv2D(count, KERNEL, activation="relu") for count in filters),
        *(Conv2DTranspose(count, KERNEL, activation="relu") for count in reversed(filters)),
        Conv2D(1, KERNEL, padding="same", activation="sigmoid"),
    ], name="autoencoder")
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy")
    return model


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network, to learn as it was compiled."""
    return Compiled(network(settings.filters, learning_rate=settings.learning_rate, backend=settings.backend))


def judge(trained: Trained, data: Data) -> Judged:
    """The test images beside what became of them, and where it is worst."""
    images = data.test.images
    made = reconstructed(trained, images)
    distance = np.square(images / 255.0 - made / 255.0).mean(axis=(1, 2))
    worst = np.argsort(-distance, kind="stable")[: SHOWN // 2]
    loss = evaluate(trained.learner, data.test, trained.settings.batch_size)["loss"]
    labels = ("test image", "given back")
    return Judged(
        "A convolutional autoencoder for digits",
        f"{len(trained.model.layers)} layers learned to give back the image that they were shown.",
        [Figure("binary cross-entropy", loss, f"{len(images):,} test images", better="lower", digits=4,
                baselines={"one grey everywhere": _one_grey(images)})],
        [Gallery("What it gives back", f"The first {SHOWN} test images, none of which it was trained on; below each, "
                 "what the network made of it.", labels, list(zip(images[:SHOWN], made[:SHOWN]))),
         Gallery("Where it is worst", "Of all test images, those with the largest squared difference.", labels,
                 list(zip(images[worst], made[worst])))],
    )


def _one_grey(images: Array) -> float:
    """The loss of the mean brightness everywhere."""
    mean = float(images.mean() / 255)
    return -(mean * math.log(mean) + (1 - mean) * math.log(1 - mean))


def reconstructed(trained: Trained, images: Array) -> Array:
    """uint8 images `(N, 28, 28)` to what the network makes of them, of the same kind."""
    size = trained.settings.batch_size
    parts = [np.asarray(trained.model.predict_on_batch(as_input(images[at : at + size])))
             for at in range(0, len(images), size)]
    return np.rint(np.concatenate(parts)[..., 0] * 255).astype(np.uint8)


def reconstruct(trained: Trained) -> Callable[[Array], Made]:
    """A grey picture of any size to what becomes of it at 28x28."""
    def made(pixels: Array) -> Made:
        seen = small(pixels)
        back = reconstructed(trained, seen[None])[0]
        error = float(np.square(seen / 255.0 - back / 255.0).mean())
        return Made({"-reconstructed.png": back}, f"mean squared difference {error:.5f}",
                    {"mean squared difference": error}, (seen, back))

    return made


RECIPE = Recipe(
    name="autoencoder",
    says="Learn to reconstruct handwritten digits with three convolutions and three transposed ones.",
    settings=Settings,
    data=data,
    learner=learner,
    judge=judge,
    metrics={"loss": "binary cross-entropy"},
    uses={"reconstruct": Use("Each picture, made grey and 28x28, and what the network gives back.", reconstruct,
                             "grey")},
    examples={"": "", "--limit 2000 --epochs 3 --batch-size 100": "a quick try",
              "--data my-digits/ --filters 16,8": "", "--resume runs/autoencoder-20260101-120000": ""},
)
