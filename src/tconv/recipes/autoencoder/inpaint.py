"""`--task inpaint`: a square is cut out of each image, elsewhere in each epoch, and the network fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...methods.channels import Array
from ..data import SIDE
from ..data.images import small
from ..learner import Compiled
from ..recipe import Batch, Data, Figure, Judged, Made, Trained, Use
from . import reconstruct
from .networks import network
from .pictures import as_input, as_pixels, digits, gallery, of_digits, predicted, psnr, seen
from .settings import Settings

__all__ = ["TASK"]


@dataclass(frozen=True, slots=True)
class Holed:
    """Grey images `(N, 28, 28)`, uint8, with a square hole each; a second channel says what is known."""

    images: Array
    hole: int

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """Images with holes `(B, 28, 28, 2)`, and whole ones."""
        whole = as_input(self.images[places])
        # The middle of the image, since the rim of a digit's picture is black anyway.
        top, left = draw.integers(4, SIDE - 4 - self.hole + 1, (2, len(places), 1))
        down = (np.arange(SIDE) >= top) & (np.arange(SIDE) < top + self.hole)
        across = (np.arange(SIDE) >= left) & (np.arange(SIDE) < left + self.hole)
        known = (~(down[:, :, None] & across[:, None, :]))[..., None].astype(np.float32)
        return np.concatenate([whole * known, known], axis=-1), whole


def data(settings: Settings) -> Data:
    """MNIST or the user's images, with holes."""
    return of_digits(digits(settings), partial(Holed, hole=settings.hole))


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network that keeps the size, with a second channel for what is known."""
    return Compiled(network(settings.filters or (), channels=(2, 1), learning_rate=settings.learning_rate,
                            backend=settings.backend))


def judge(trained: Trained, data: Data) -> Judged:
    """What fills the holes, beside the images that were there."""
    inputs, made, whole = seen(trained, data.test)
    held, known = inputs[..., :1], inputs[..., 1:]
    filled = held + made * (1 - known)
    mean = held + whole.mean(axis=0) * (1 - known)
    return Judged(
        "Holes filled",
        f"{len(trained.model.layers)} layers learned to fill a square of {trained.settings.hole}×"
        f"{trained.settings.hole} pixels from what is around it.",
        [Figure("PSNR within the holes", psnr(filled, whole, 1 - known), f"{len(whole):,} test images", unit="dB",
                baselines={"left black": psnr(held, whole, 1 - known),
                           "the mean digit": psnr(mean, whole, 1 - known)})],
        [gallery("What it puts into holes", "Test images that it was not trained on; from above: with a hole (grey), "
                 "filled by the network, and as they were.", hole=held + 0.5 * (1 - known), ours=filled,
                 original=whole)],
    )


def fill(trained: Trained) -> Callable[[Array], Made]:
    """A picture whose transparent parts are missing to the whole picture, grey and 28x28."""
    def made(pixels: Array) -> Made:
        known = (small(pixels[..., 3]) > 127).astype(np.float32)
        grey = small(np.rint(pixels[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(np.uint8))
        held = as_input(grey[None]) * known[None, ..., None]
        back = predicted(trained, np.concatenate([held, known[None, ..., None]], axis=-1))
        filled = as_pixels(held + back * (1 - known[None, ..., None]))[0]
        missing = float(1 - known.mean())
        return Made({"-filled.png": filled}, f"{missing:.0%} filled", {"filled": missing},
                    (as_pixels(held + 0.5 * (1 - known[None, ..., None]))[0], filled))

    return made


TASK = replace(
    reconstruct.TASK,
    says="Learn to fill holes.",
    data=data,
    learner=learner,
    judge=judge,
    uses={"fill": Use("Each picture's transparent parts are filled; made grey and 28x28.", fill, "alpha")},
)
