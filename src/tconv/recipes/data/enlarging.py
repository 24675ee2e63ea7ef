"""Photographs and the same ones made small, to learn the way back from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..fidelity import luminance
from ..pictures import picture, picture_files
from ..recipe import Batch
from .photographs import installed

__all__ = ["FILTERS", "Pair", "Patches", "carried", "folder_of", "pair",
           "pairs_of", "resized", "shrunk"]

PACKAGE = "scikit-image"
# Photographs and micrographs of that package; those to validate with are colour photographs that came uncompressed.
TRAIN = ("brick.png", "camera.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png",
         "moon.png", "motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg")
VALIDATE = ("astronaut.png", "chelsea.png", "coffee.png")
FILTERS = ("nearest", "bilinear", "bicubic")
FEWEST = 2

Pictures = dict[str, Array]


def carried() -> tuple[Pictures, Pictures]:
    """The pictures to train on and those to validate with, by name, uint8 `(H, W, 3)`, as scikit-image carries them.

    Raises:
        DataError: if they are not there, with how to get them.
    """
    files = installed(PACKAGE, (*TRAIN, *VALIDATE))
    missing = [name for name in (*TRAIN, *VALIDATE) if name not in files]
    if missing:
        raise DataError(f"data: {missing[0]} is not on this machine; pip install 'tconv[recipes]', or give --data "
                        "FOLDER with photographs of your own.")
    train, validate = ({Path(name).stem: picture(files[name]) for name in names} for names in (TRAIN, VALIDATE))
    return train, validate


def folder_of(path: Path) -> tuple[Pictures, Pictures]:
    """The user's own pictures: every fifth of an order that is drawn once and for all is to validate with.

    Raises:
        DataError: if there are too few, or one cannot be read.
    """
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder; give one with photographs.")
    paths = picture_files(path)
    if len(paths) < FEWEST:
        raise DataError(f"{path}: holds {len(paths)} picture, but a training wants {FEWEST} or more: one to learn "
                        "from, one to validate with.")
    mixed = [paths[place] for place in np.random.default_rng(0).permutation(len(paths))]
    cut = max(1, len(mixed) // 5)
    train, validate = ({one.relative_to(path).as_posix(): picture(one) for one in some}
                       for some in (mixed[cut:], mixed[:cut]))
    return train, validate


def resized(pixels: Array, size: tuple[int, int], kind: str = "bicubic") -> Array:
    """Pixels `(H, W)` or `(H, W, 3)` at another size `(h, w)`, by Pillow, which smooths while it makes smaller."""
    from PIL import Image

    return np.array(Image.fromarray(pixels).resize(size[::-1], Image.Resampling[kind.upper()]))


def shrunk(pixels: Array, factor: int) -> tuple[Array, Array]:
    """A picture cut to whole blocks of `factor`, and the same `factor` times smaller."""
    height, width = (size // factor for size in pixels.shape[:2])
    cut = pixels[: height * factor, : width * factor]
    return cut, resized(cut, (height, width))


@dataclass(frozen=True, slots=True)
class Pair:
    """The luminance of a small picture `(H, W)` and of the large one `(factor * H, factor * W)`, float32 in `0..1`."""

    small: Array
    large: Array


def pair(pixels: Array, factor: int) -> Pair:
    """A picture as what goes in and what has to come out."""
    large, small = (luminance(part)[..., 0].astype(np.float32) / 255 for part in shrunk(pixels, factor))
    return Pair(small, large)


@dataclass(frozen=True)
class Patches:
    """Squares drawn from pairs, turned and mirrored; a batch has the small ones, the large ones, and weights.

    What lies near a patch's edge does not count, since the network cannot see beyond.

    Args:
        pairs: to draw from, by name; each at least as large as a patch.
        side: of the small squares.
        count: an epoch has.
        edge: small pixels that do not count.
    """

    pairs: Sequence[Pair]
    side: int
    count: int
    edge: int

    def __len__(self) -> int:
        return self.count

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """As many patches as there are places, each from a picture drawn by its size."""
        sizes = np.array([one.small.size for one in self.pairs])
        drawn = [self._patch(self.pairs[which], draw)
                 for which in draw.choice(len(sizes), len(places), p=sizes / sizes.sum())]
        small, large = (np.stack(parts)[..., None] for parts in zip(*drawn, strict=True))
        weights = np.zeros(large.shape[:3], np.float32)
        inner = slice(self.edge * (large.shape[1] // self.side), -self.edge * (large.shape[1] // self.side))
        weights[:, inner, inner] = 1
        return small, large, weights

    def _patch(self, one: Pair, draw: np.random.Generator) -> tuple[Array, Array]:
        times = len(one.large) // len(one.small)
        top, left = (int(draw.integers(size - self.side + 1)) for size in one.small.shape)
        quarters, mirrored = int(draw.integers(4)), bool(draw.integers(2))
        cut = (part[at * top : at * (top + self.side), at * left : at * (left + self.side)]
               for part, at in ((one.small, 1), (one.large, times)))
        turned = (np.rot90(part, quarters) for part in cut)
        first, second = (part[:, ::-1] if mirrored else part for part in turned)
        return first, second


def _scaled(pixels: Array, scale: float) -> Array:
    height, width = (int(size * scale) for size in pixels.shape[:2])
    return pixels if scale == 1 or 0 in (height, width) else resized(pixels, (height, width))


def pairs_of(pictures: Mapping[str, Array], factor: int, side: int, scales: Sequence[float]) -> list[Pair]:
    """All pictures at some scales, as pairs; those smaller than a patch are left out."""
    every = [_scaled(pixels, scale) for pixels in pictures.values() for scale in scales]
    return [made for made in (pair(pixels, factor) for pixels in every if min(pixels.shape[:2]) >= factor * side)
            if min(made.small.shape) >= side]
