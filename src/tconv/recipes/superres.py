"""A larger picture than the camera took: FSRCNN and ESPCN, on the luminance of photographs.

Both convolve on the small grid, where it is cheap, and enlarge in their last layer: FSRCNN by a transposed convolution
of nine taps (Dong et al. 2016), ESPCN by a convolution and a pixel shuffle (Shi et al. 2016). What they learn is added
to the bicubic enlargement, which is a transposed convolution with a kernel that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import DataError
from ..geometry import Extent, Spec, problem_from_coarse
from ..methods.channels import Array
from ..resize import matrix
from .backend import use_backend
from .data.enlarging import FILTERS, Patches, carried, folder_of, pairs_of, resized, shrunk
from .fidelity import colours, luminance, psnr, ssim
from .learner import Compiled
from .recipe import Data, Figure, Gallery, Judged, Made, Recipe, Table, Trained, Use, digest
from .settings import Common, setting
from .tiling import tiled

__all__ = ["RECIPE", "Settings", "bicubic_taps", "enlarged", "network"]

COPIES = 12  # what a step holds for each number of the widest layer: the layers, their gradients, their activations
EDGE = 6     # small pixels around a picture from which its ends are seen
SHOWN = 112  # side of what a report shows of a picture, pixels
SCALES = (1.0, 0.75, 0.5)  # at which pictures are learned from: smaller ones are sharper


@dataclass(frozen=True, slots=True)
class Settings(Common):
    """What a training of super-resolution depends on.

    Raises:
        SettingError: if one is out of its range.
        SizeError: if a step would need more memory than this machine has.
    """

    recipe: ClassVar[str] = "superres"

    epochs: int = setting(30, "Passes over the data.", least=1)
    batch_size: int = setting(16, "Patches a step.", least=1)
    learning_rate: float = setting(0.002, "Of Adam at the start; it falls to nothing along a cosine.", above=0)
    data: str | None = setting(None, "A folder with photographs of your own.", path=True, shown="as installed")
    factor: int = setting(2, "How many times as large.", choices=(2, 3, 4))
    network: str = setting("fsrcnn", "What enlarges: a transposed convolution, or a pixel shuffle.",
                           choices=("fsrcnn", "espcn"))
    patch: int = setting(32, "Side of the small squares to train on, pixels.", least=2 * EDGE + 4)
    patches: int = setting(1600, "Patches an epoch.", least=1)

    def check(self) -> None:
        """See whether a step has room."""
        problem_from_coarse(Spec.of((5, 5), crop=2), (self.patch, self.patch)).check_memory(
            "superres", Extent(self.batch_size, 64, 64), 4 * COPIES)


def data(settings: Settings) -> Data:
    """Patches of many pictures to train on; other photographs, whole, to be judged by."""
    train, validate = folder_of(Path(settings.data)) if settings.data else carried()
    train = dict(list(train.items())[: settings.limit])
    learned = pairs_of(train, settings.factor, settings.patch, SCALES)
    looked = pairs_of(validate, settings.factor, settings.patch, (1.0,))
    for some, whose in ((learned, "train on"), (looked, "validate with")):
        if not some:
            raise DataError(f"{settings.data}: none of the photographs to {whose} has "
                            f"{settings.factor * settings.patch} pixels along each side; add larger ones, or take a "
                            "smaller --patch.")
    return Data(
        Patches(learned, settings.patch, settings.patches, EDGE), Patches(looked, settings.patch, 128, EDGE), validate,
        f"Photographs in {Path(settings.data).name}" if settings.data else "Photographs that scikit-image carries",
        digest(*train.values(), *validate.values()),
        counts={"patches an epoch": settings.patches, "pictures to train": len(train),
                "photographs to validate": len(validate)})


def bicubic_taps(factor: int) -> Array:
    """One axis of the transposed convolution that enlarges as bicubic interpolation does, ends aside.

    >>> bicubic_taps(2).tolist()
    [-0.0234375, -0.0703125, 0.2265625, 0.8671875, 0.8671875, 0.2265625, -0.0703125, -0.0234375]
    """
    count, cells = 4 * factor - factor % 2, 9  # so many that the middle one is far from the ends
    first = (cells * factor - count) // 2
    return matrix(cells, cells * factor, "bicubic")[first : first + count, cells // 2]


def network(factor: int, *, kind: str = "fsrcnn", backend: str | None = None) -> Any:
    """A Keras model: luminance `(N, H, W, 1)` to `(N, factor * H, factor * W, 1)`.

    Args:
        factor: >= 2.
        kind: "fsrcnn" (12,809 weights to learn) or "espcn" (21,284, at a factor of 2).
        backend: of Keras.
    """
    use_backend(backend)
    import keras

    from .layers import Conv2DTranspose

    taps = bicubic_taps(factor)
    plain = Conv2DTranspose(1, len(taps), strides=factor, padding="same", use_bias=False, name="bicubic")
    inputs = keras.Input((None, None, 1))
    outputs = keras.layers.Add()([plain(inputs), NETWORKS[kind](inputs, factor)])
    plain.kernel.assign(np.multiply.outer(taps, taps)[..., None, None])
    plain.trainable = False
    return keras.Model(inputs, outputs, name=kind)


def _fsrcnn(x: Any, factor: int) -> Any:
    """Features, fewer of them, four convolutions among these, features again, and one enlarging stamp for each."""
    import keras

    from .layers import Conv2D, Conv2DTranspose

    for filters, taps in ((56, 5), (12, 1), (12, 3), (12, 3), (12, 3), (12, 3), (56, 1)):
        x = Conv2D(filters, taps, padding="same", kernel_initializer="he_normal")(x)
        x = keras.layers.PReLU(shared_axes=(1, 2), alpha_initializer=keras.initializers.Constant(0.25))(x)
    little = keras.initializers.RandomNormal(stddev=0.001)
    return Conv2DTranspose(1, 9, strides=factor, padding="same", kernel_initializer=little)(x)


def _espcn(x: Any, factor: int) -> Any:
    """Two convolutions, and one whose channels are the pixels of a block."""
    from ..keras import SubpixelConv
    from .layers import Conv2D

    for filters, taps in ((64, 5), (32, 3)):
        x = Conv2D(filters, taps, padding="same", activation="tanh")(x)
    return SubpixelConv(1, 3, factor)(x)


NETWORKS: dict[str, Callable[[Any, int], Any]] = {"fsrcnn": _fsrcnn, "espcn": _espcn}


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network, and the absolute error of each pixel that counts."""
    model = network(settings.factor, kind=settings.network, backend=settings.backend)
    import keras

    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * about["steps"])
    model.compile(keras.optimizers.Adam(rate), loss="mean_absolute_error")
    return Compiled(model)


def enlarged(model: Any, small: Array) -> Array:
    """A picture's luminance `(H, W)` in `0..255` as many times as large as the model makes it; large ones by tiles."""
    seen = np.pad(small, EDGE, "edge")[..., None].astype(np.float32) / 255
    made = tiled(model, seen)[..., 0]
    times = made.shape[0] // seen.shape[0]
    inner = slice(EDGE * times, -EDGE * times)
    return np.clip(made[inner, inner].astype(np.float64) * 255, 16, 235)


def in_colour(model: Any, pixels: Array) -> Array:
    """A picture `(H, W, 3)` enlarged: its luminance by the network, its colours, which are smooth, by bicubic."""
    bright = enlarged(model, luminance(pixels)[..., 0])
    parts = luminance(resized(pixels, bright.shape))
    parts[..., 0] = bright
    return colours(parts)


def after_epoch(trained: Trained, data: Data) -> Mapping[str, float]:
    """PSNR over the whole photographs to validate with."""
    factor = trained.settings.factor
    values = [_psnr(enlarged(trained.model, luminance(small)[..., 0]), large, factor)
              for large, small in (shrunk(pixels, factor) for pixels in data.test.values())]
    return {"val_psnr": float(np.mean(values))}


def _psnr(bright: Array, large: Array, factor: int) -> float:
    return psnr(luminance(large)[..., 0], bright, factor)


def judge(trained: Trained, data: Data) -> Judged:
    """Photographs that it was not trained on, beside what interpolation makes of them."""
    factor, names = trained.settings.factor, (*FILTERS, "ours")
    rows, examples = [], []
    for name, pixels in data.test.items():
        large, small = shrunk(pixels, factor)
        made = {kind: resized(small, large.shape[:2], kind) for kind in FILTERS}
        bright = {kind: luminance(picture)[..., 0] for kind, picture in made.items()}
        bright["ours"] = enlarged(trained.model, luminance(small)[..., 0])
        true = luminance(large)[..., 0]
        rows.append((name, [psnr(true, bright[kind], factor) for kind in names],
                     [ssim(true, bright[kind], factor) for kind in names]))
        made["ours"] = in_colour(trained.model, small)
        here = _busiest(true, min(SHOWN, *true.shape))
        examples.append([made[kind][here] for kind in names] + [large[here]])
    said = f"{len(rows)} photographs, mean"
    means = [np.mean([row[part] for row in rows], axis=0) for part in (1, 2)]
    figures = [Figure(f"{what} on luminance", float(values[-1]), said, unit,
                      dict(zip(FILTERS, map(float, values[:-1]), strict=True)), digits=digits)
               for what, unit, digits, values in (("PSNR", "dB", 2, means[0]), ("SSIM", "", 4, means[1]))]
    return Judged(
        f"{KINDS[trained.settings.network]}, {factor} times as large",
        f"Photographs were made {factor} times smaller by bicubic interpolation; this is the way back. The network "
        "sees luminance; colours are enlarged by bicubic interpolation.",
        figures, [Gallery("Where most happens", "The busiest part of each photograph.", (*names, "original"), examples,
                          across=1), _table(rows, names)])


KINDS = {"fsrcnn": "FSRCNN", "espcn": "ESPCN"}


def _busiest(bright: Array, side: int) -> tuple[slice, slice]:
    """The square in which brightness changes most from pixel to pixel."""
    change = np.abs(np.diff(bright, axis=0))[:, :-1] + np.abs(np.diff(bright, axis=1))[:-1]
    total = np.pad(change.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    reach = side - 1
    sums = total[reach:, reach:] - total[:-reach, reach:] - total[reach:, :-reach] + total[:-reach, :-reach]
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    return slice(int(top), int(top) + side), slice(int(left), int(left) + side)


def _table(rows: Sequence[tuple[str, Sequence[float], Sequence[float]]], names: Sequence[str]) -> Table:
    said = [(name, *(f"{value:.2f} dB, {alike:.4f}" for value, alike in zip(values, likes, strict=True)))
            for name, values, likes in rows]
    return Table("Photograph by photograph", "PSNR and SSIM on luminance (BT.601, 16 to 235), without as many pixels "
                 "along each edge as the factor.", ("photograph", *names), said)


def upscale(trained: Trained) -> Callable[[Array], Made]:
    """A picture to a larger one."""
    def made(pixels: Array) -> Made:
        large = in_colour(trained.model, pixels)
        sizes = ["x".join(map(str, part.shape[1::-1])) for part in (pixels, large)]
        return Made({"-upscaled.png": large}, f"{sizes[0]} to {sizes[1]}",
                    {"width": large.shape[1], "height": large.shape[0]})

    return made


RECIPE = Recipe(
    name="superres",
    says="Learn to enlarge photographs by 2, 3 or 4: FSRCNN with a transposed convolution, ESPCN with a pixel shuffle.",
    settings=Settings,
    data=data,
    learner=learner,
    judge=judge,
    metrics={"loss": "mean absolute error", "psnr": "PSNR on luminance, dB"},
    uses={"upscale": Use("Enlarge each picture, of any size.", upscale)},
    examples={"": "twice as large", "--factor 3 --network espcn": "three times, by a pixel shuffle",
              "--data my-photographs/": "pictures of your own"},
    after_epoch=after_epoch,
)
