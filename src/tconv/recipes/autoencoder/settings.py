"""What a training of an autoencoder depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ...errors import SettingError
from ...geometry import Extent, Spec, problem_from_coarse
from ..data import SIDE
from ..settings import Common, setting
from .networks import KERNEL

__all__ = ["Settings"]

FILTERS = {"compress": (16, 32), "anomaly": (16, 32), "inpaint": (32, 32, 32), "colorize": (32, 32, 32)}
CODES = {"compress": (2, 4, 8, 16, 32), "anomaly": (16,)}
MIRRORS = ("reconstruct", "denoise", "compress", "anomaly")  # what goes out is as what came in
MOST_IMAGES = 60_000
# What a step holds for each number that a layer gives: itself, its gradient, and what the loss keeps of it.
COPIES = 3


@dataclass(frozen=True, slots=True)
class Settings(Common):
    """What a training of an autoencoder depends on.

    Raises:
        SettingError: if one is out of its range.
        SizeError: if a step would need more memory than this machine has.
    """

    recipe: ClassVar[str] = "autoencoder"

    # Twice Keras' own rate of 0.001, because a batch of 1000 leaves few steps.
    learning_rate: float = setting(0.002, "Of Adam.", above=0)
    batch_size: int = setting(1000, "Images a step.", least=1)
    data: str | None = setting(None, "idx files, mnist.npz, or a folder of images (colorize: of photographs); else "
                               "what is installed.", path=True, shown="MNIST")
    task: str = setting("reconstruct", "What to learn.",
                        choices=("reconstruct", "compress", "denoise", "inpaint", "colorize", "anomaly"))
    filters: tuple[int, ...] | None = setting(None, "Channels after each convolution; the way back mirrors them.",
                                              least=1, shown="32,16,8, or as the task likes")
    tied: bool = setting(False, "Let the decoder take the very kernels of the encoder.")
    code: tuple[int, ...] | None = setting(None, "Numbers in the code; several for one network that serves all these "
                                           "sizes.", least=1, most=784, shown="compress 2,4,8,16,32; anomaly 16")
    sigma: float = setting(0.3, "Noise for denoise, where white is 1.", above=0, most=10)
    hole: int = setting(9, "Side of the hole for inpaint, in pixels.", least=1, most=20)
    digit: int = setting(8, "The one that anomaly is about.", least=0)
    sense: str = setting("normal", "anomaly: learn all others and look for high errors, or learn the target and look "
                         "for low ones.", choices=("normal", "target"))

    def check(self) -> None:
        """Fill in what the task likes; look whether the layers fit into the image, and a step into memory."""
        if self.filters is None:
            object.__setattr__(self, "filters", FILTERS.get(self.task, (32, 16, 8)))
        if self.code is not None and self.task not in CODES:
            raise SettingError(f"autoencoder: code is {','.join(map(str, self.code))}, but the task {self.task} has no "
                               f"small code; take --task {' or '.join(CODES)}.")
        if self.code == ():
            raise SettingError("autoencoder: code is empty, but has to be one or more whole numbers, as in 16.")
        if self.code is None:
            object.__setattr__(self, "code", CODES.get(self.task))
        if self.tied and self.task not in MIRRORS:
            raise SettingError(f"autoencoder: tied kernels give back what came in, and {self.task} gives something "
                               f"else; leave --tied out, or take one of {', '.join(MIRRORS)}.")
        _check_depth(self.filters or (), narrow=self.task in CODES)
        _check_memory(self.filters or (), self.batch_size)


def _check_depth(filters: Sequence[int], narrow: bool) -> None:
    deepest = 2 if narrow else (SIDE - 1) // (KERNEL[0] - 1)
    what = "halvings" if narrow else "convolutions of 3x3"
    if not 1 <= len(filters) <= deepest:
        raise SettingError(f"autoencoder: filters is {filters}, {len(filters)} layers, but a {SIDE}x{SIDE} image has "
                           f"room for 1 to {deepest} {what}.")


def _check_memory(filters: Sequence[int], batch: int) -> None:
    for depth, (fine, coarse) in enumerate(pairwise((1, *filters))):
        grid = (SIDE - (KERNEL[0] - 1) * (depth + 1),) * 2
        problem_from_coarse(Spec.of(KERNEL), grid).check_memory(
            "autoencoder", Extent(min(batch, MOST_IMAGES), coarse, fine), 4 * COPIES)
