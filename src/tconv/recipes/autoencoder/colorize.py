"""`--task colorize`: photographs without their colour, and the network gives it back; for pictures of any size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..data.photographs import photographs
from ..learner import Compiled
from ..pictures import picture, picture_files
from ..recipe import Batch, Data, Figure, Gallery, Judged, Made, Trained, Use, digest
from ..tiling import tiled
from . import reconstruct
from .networks import BRIGHTNESS, colouring
from .pictures import as_pixels, given_back, psnr
from .settings import Settings

__all__ = ["TASK", "luminance"]

SIDE = 40
CROPS = 128  # of each photograph in an epoch
SHARE_FOR_TEST = 4  # the right quarter of each photograph is never learned from
WEIGHTS = np.array(BRIGHTNESS, np.float32)


@dataclass(frozen=True, slots=True)
class Crops:
    """Squares cut out of photographs, uint8 `(H, W, 3)` each, at places that are drawn; half of them mirrored."""

    photographs: Sequence[Array]

    def __len__(self) -> int:
        return CROPS * len(self.photographs)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """Luminance `(B, 40, 40, 1)` and colours `(B, 40, 40, 3)`, both in `0..1`."""
        colours = np.stack([_cut(self.photographs[place % len(self.photographs)], draw) for place in places])
        colours = np.multiply(colours, np.float32(1 / 255), dtype=np.float32)
        return luminance(colours), colours


def _cut(pixels: Array, draw: np.random.Generator) -> Array:
    top, left = (draw.integers(size - SIDE + 1) for size in pixels.shape[:2])
    part = pixels[top : top + SIDE, left : left + SIDE]
    return part[:, ::-1] if draw.random() < 0.5 else part


def luminance(colours: Array) -> Array:
    """Colours `(..., 3)` to how bright they are, `(..., 1)` (ITU-R BT.601)."""
    return colours.astype(np.float32) @ WEIGHTS[:, None]


def data(settings: Settings) -> Data:
    """Photographs as installed packages carry them, or a folder of the user's own."""
    if settings.data is None:
        found, source = photographs(), "Photographs that scikit-learn and scikit-image carry"
    else:
        folder = Path(settings.data)
        if not folder.is_dir():
            raise DataError(f"{folder}: there is no such folder; colorize learns from a folder of photographs.")
        found, source = {str(path): picture(path) for path in picture_files(folder)}, f"photographs in {folder.name}"
    for name, pixels in found.items():
        if pixels.shape[0] < SIDE or pixels.shape[1] < SIDE * SHARE_FOR_TEST:
            raise DataError(f"{name}: has {pixels.shape[1]}x{pixels.shape[0]} pixels, but a photograph has to have "
                            f"{SIDE * SHARE_FOR_TEST}x{SIDE} or more; take it out of the folder.")
    kept = list(found.values())[: settings.limit]
    cuts = [pixels.shape[1] - pixels.shape[1] // SHARE_FOR_TEST for pixels in kept]
    left = [pixels[:, :cut] for pixels, cut in zip(kept, cuts)]
    right = [pixels[:, cut:] for pixels, cut in zip(kept, cuts)]
    return Data(Crops(left), Crops(right), right, source, digest(*kept),
                counts={"crops to train, in an epoch": len(Crops(left)), "photographs": len(kept)})


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network that keeps size and brightness, whatever they are."""
    return Compiled(colouring(settings.filters or (), learning_rate=settings.learning_rate, backend=settings.backend))


def judge(trained: Trained, data: Data) -> Judged:
    """The parts that were never learned from, in grey, in the network's colours, and in their own."""
    shown = [(pixels[None] / 255).astype(np.float32) for pixels in data.test]
    grey = [luminance(colours) for colours in shown]
    made = [np.clip(given_back(trained.model, one), 0, 1) for one in grey]
    mean = np.mean([colours.mean(axis=(0, 1, 2)) - one.mean() for colours, one in zip(shown, grey)], axis=0)
    over = f"the right quarter of {len(shown)} photographs"
    baselines = {"grey": np.mean([psnr(one.repeat(3, axis=-1), whole) for one, whole in zip(grey, shown)]),
                 "one tint": np.mean([psnr(one + mean, whole) for one, whole in zip(grey, shown)])}
    return Judged(
        "Colour guessed from light and shade",
        f"{len(trained.model.layers)} layers learned to colour photographs. What has no colour of its own in shape and "
        "brightness, a coat or a car, is guessed wrong: this is for learning from.",
        [Figure("PSNR of the colours", float(np.mean([psnr(a, b) for a, b in zip(made, shown)])), over, unit="dB",
                baselines={name: float(value) for name, value in baselines.items()})],
        [Gallery("What it colours", "Parts of photographs that it was never trained on.",
                 ("grey", "ours", "original"),
                 [[as_pixels(stack)[0] for stack in row] for row in zip(grey, made, shown)], across=1, sharp=False)],
    )


def colour(trained: Trained) -> Callable[[Array], Made]:
    """A picture of any size to the same in colour."""
    def made(pixels: Array) -> Made:
        grey = luminance((pixels / 255).astype(np.float32))
        return Made({"-coloured.png": as_pixels(tiled(trained.model, grey)[None])[0]}, "coloured")

    return made


TASK = replace(
    reconstruct.TASK,
    says="Learn to colour photographs.",
    data=data,
    learner=learner,
    judge=judge,
    metrics={"loss": "mean squared error"},
    uses={"colour": Use("Each picture, taken as grey, in colour.", colour)},
)
