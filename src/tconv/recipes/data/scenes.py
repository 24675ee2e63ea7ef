"""Pictures with a class for each pixel, and crops of them to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..recipe import Batch

__all__ = ["Crops", "Scene", "Tiles", "counted", "stretched"]

MOST_PLACES = 500  # of a class that are remembered in a scene
LOW, HIGH = 0.5, 99.5  # percent of the pixels that are darker than what becomes 0 and 1


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture `(H, W)` or `(H, W, 3)`, and its mask `(H, W)` of class numbers, both uint8."""

    picture: Array
    mask: Array
    name: str = ""


def limits(picture: Array) -> tuple[float, float]:
    """What a picture's darkest and its brightest pixels have, but for a few."""
    low, high = np.percentile(picture, (LOW, HIGH))
    return float(low), float(max(high, low + 1))


def stretched(picture: Array, ends: tuple[float, float] | None = None) -> Array:
    """A picture as the network sees it: float32 `(H, W, C)`, its darkest pixels near 0 and its brightest near 1.

    So exposure and bit depth of a file do not matter.

    Args:
        picture: `(H, W)` or `(H, W, 3)`.
        ends: the `limits` of the whole, where this is a part.

    >>> stretched(np.arange(0, 200, dtype=np.uint8).reshape(10, 20)).min().round(2)
    np.float32(-0.01)
    """
    low, high = ends or limits(picture)
    numbers = (picture.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return numbers[..., None] if picture.ndim == 2 else numbers


def counted(scenes: Sequence[Scene], classes: int) -> Array:
    """How many pixels each class has, shape `(classes,)`."""
    return sum((np.bincount(scene.mask.ravel(), minlength=classes) for scene in scenes), np.zeros(classes, np.int64))


def _roomy(scene: Scene, side: int) -> Scene:
    """The scene, mirrored at its end where it is smaller than a crop."""
    missing = [(0, max(0, side - size)) for size in scene.mask.shape]
    rest = [(0, 0)] * (scene.picture.ndim - 2)
    return Scene(np.pad(scene.picture, missing + rest, "symmetric"), np.pad(scene.mask, missing, "symmetric"),
                 scene.name)


@dataclass
class Crops:
    """Square crops drawn from scenes, turned and mirrored, brighter and darker; a batch has pictures, masks, weights.

    Half of them lie around a pixel of a class that is drawn first, so that what is rare is seen as often as what is
    not.

    Args:
        scenes: to draw from.
        side: of a crop, in pixels.
        count: crops an epoch.
        weights: of each class in the loss.
        turning: whether a crop may also be turned and mirrored; a digit may not.
    """

    scenes: Sequence[Scene]
    side: int
    count: int
    weights: Array
    turning: bool = True
    ends: list[tuple[float, float]] = field(init=False)
    places: list[list[Array]] = field(init=False)

    def __post_init__(self) -> None:
        self.ends = [limits(scene.picture) for scene in self.scenes]
        self.scenes = [_roomy(scene, self.side) for scene in self.scenes]
        self.places = [_places(scene.mask, len(self.weights)) for scene in self.scenes]

    def __len__(self) -> int:
        return self.count

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """As many crops as there are places, each from a scene drawn anew."""
        crops = [self._crop(draw) for _ in places]
        pictures, masks = (np.stack(parts) for parts in zip(*crops, strict=True))
        return pictures, masks, self.weights[masks]

    def _crop(self, draw: np.random.Generator) -> tuple[Array, Array]:
        number = int(draw.integers(len(self.scenes)))
        picture, mask, side = self.scenes[number].picture, self.scenes[number].mask, self.side
        room = np.array(mask.shape) - side
        corner = draw.integers(room + 1)
        if draw.random() < 0.5:
            there = self.places[number][draw.integers(len(self.places[number]))]
            corner = np.clip(there[draw.integers(len(there))] - draw.integers(side, size=2), 0, room)
        here = tuple(slice(at, at + side) for at in corner)
        factor, more = np.float32(draw.uniform(0.8, 1.25)), np.float32(draw.uniform(-0.1, 0.1))
        seen = stretched(picture[here], self.ends[number]) * factor + more
        return _turned(seen, mask[here], draw) if self.turning else (seen, mask[here])


def _places(mask: Array, classes: int) -> list[Array]:
    """For each class that the mask has some of its pixels, shape `(P, 2)`."""
    found = [np.argwhere(mask == number) for number in range(classes)]
    return [places[:: -(-len(places) // MOST_PLACES)] for places in found if len(places)]


def _turned(picture: Array, mask: Array, draw: np.random.Generator) -> tuple[Array, Array]:
    quarters, mirrored = int(draw.integers(4)), draw.integers(2)
    picture, mask = np.rot90(picture, quarters), np.rot90(mask, quarters)
    return (picture[:, ::-1], mask[:, ::-1]) if mirrored else (picture, mask)


class Tiles:
    """Crops that lie side by side over scenes, in order and as they are, at most `most` of them, evenly taken."""

    def __init__(self, scenes: Sequence[Scene], side: int, weights: Array, most: int):
        self.ends, self.scenes = [limits(scene.picture) for scene in scenes], [_roomy(scene, side) for scene in scenes]
        self.side, self.weights = side, weights
        corners = [(number, *corner) for number, scene in enumerate(self.scenes)
                   for corner in product(*(range(0, size - side + 1, side) for size in scene.mask.shape))]
        self.corners = list(islice(corners, 0, None, -(-len(corners) // most)))

    def __len__(self) -> int:
        return len(self.corners)

    def batch(self, places: Array, draw: Any) -> Batch:
        """The crops at these places."""
        here = [(number, (slice(top, top + self.side), slice(left, left + self.side)))
                for number, top, left in (self.corners[place] for place in places)]
        masks = np.stack([self.scenes[number].mask[at] for number, at in here])
        seen = [stretched(self.scenes[number].picture[at], self.ends[number]) for number, at in here]
        return np.stack(seen), masks, self.weights[masks]


def check_sizes(where: str, picture: Array, mask: Array) -> None:
    """Refuse a mask that is not of its picture's size.

    Raises:
        DataError: with both sizes.
    """
    if picture.shape[:2] != mask.shape[:2]:
        sizes = ["x".join(map(str, part.shape[1::-1])) for part in (mask, picture)]
        raise DataError(f"{where}: the mask has {sizes[0]} pixels, but its picture {sizes[1]}; a mask has a pixel for "
                        "each of its picture's.")
