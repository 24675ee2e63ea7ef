"""A class for each pixel: a U-Net, or a network that predicts at several scales, with any upsampler.

An encoder halves the picture a few times and sees ever more around each pixel; a decoder doubles it as often and puts
every class back in its place, with the help of what the encoder kept. Pictures may be of any size, odd ones too: what a
halving rounded up is cut off after the doubling. What is rare weighs more in the loss, and is drawn more often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import SettingError
from ..geometry import Extent, Spec, problem_from_fine
from ..methods.channels import Array
from .agreement import by_colour, confusions, means, tables
from .backend import use_backend
from .data.masks import REST, Classes, Found, found_scenes
from .data.nuclei import nuclei
from .data.pasted import pasted_scenes
from .data.scenes import Crops, Scene, Tiles, counted, stretched
from .learner import Compiled
from .overlay import APART, coloured, differences, fullest, overlay
from .recipe import Data, Figure, Gallery, Judged, Made, Recipe, Section, Trained, Use, digest
from .settings import Common, setting
from .tiling import tiled
from .training import batches

__all__ = ["RECIPE", "Settings", "network", "segmented"]

COPIES = 6  # what a step holds for each number of a layer's output: two layers of a level, their gradients, the norms
TILES = 64  # that are looked at after each epoch
WINDOW, SHOWN = 256, 6  # side of what a report shows of a picture, and of how many
SIDE = 1024  # of what goes through the network in one piece
POWERS = {"none": 0.0, "root": 0.5, "full": 1.0}


@dataclass(frozen=True, slots=True)
class Settings(Common):
    """What a training of a segmentation depends on.

    Raises:
        SettingError: if one is out of its range.
        SizeError: if a step would need more memory than this machine has.
    """

    recipe: ClassVar[str] = "segmentation"

    epochs: int = setting(12, "Passes over the data.", least=1)
    batch_size: int = setting(8, "Crops a step.", least=1)
    learning_rate: float = setting(0.004, "Of Adam at the start; it halves every four epochs.", above=0)
    data: str | None = setting(None, "A folder with images/ and masks/ of your own.", path=True, shown="as installed")
    subject: str = setting("nuclei", "What is learned where there is no --data: cells under a microscope, or "
                           "handwritten digits on photographs.", choices=("nuclei", "digits"))
    network: str = setting("unet", "A U-Net, or a network that predicts at each scale and adds up.",
                           choices=("unet", "fcn"))
    upsampler: str = setting("transposed", "What doubles a map: a transposed convolution, a resize before a "
                             "convolution, or a convolution before a shuffle.",
                             choices=("transposed", "resize", "subpixel"))
    filters: tuple[int, ...] = setting((8, 16, 32, 48), "Channels at each scale, the finest first.", least=1)
    crop: int = setting(128, "Side of the squares to train on, pixels.", least=16)
    crops: int = setting(256, "Crops an epoch.", least=1)
    balance: str = setting("root", "How much more a rare class weighs: not at all, by the root of its rarity, or so "
                           "that all classes weigh the same.", choices=tuple(POWERS))

    def check(self) -> None:
        """Look whether the scales fit into a crop, and a step into memory."""
        if len(self.filters) < 2 or self.crop < 2 ** len(self.filters):
            raise SettingError(f"segmentation: filters is {self.filters}, {len(self.filters)} scales, but there have "
                               f"to be two or more, and a crop of {self.crop} has room for "
                               f"{self.crop.bit_length() - 1}.")
        problem_from_fine(Spec.of((3, 3), crop=1), (self.crop, self.crop)).check_memory(
            "segmentation", Extent(self.batch_size, self.filters[0], self.filters[0]), 4 * COPIES)


@dataclass(frozen=True, slots=True)
class Subject:
    """Scenes, what their classes are called, where they are from, and whether they may be turned."""

    found: Found
    source: str
    turning: bool = True


def _nuclei(limit: int | None) -> Subject:
    classes = Classes(("background", "nucleus"), ("#000000", APART[0]))
    return Subject(Found(nuclei("training")[:limit], nuclei("validation"), classes),
                   "Cells under a fluorescence microscope, masks drawn by hand (mnfinder)")


def _digits(limit: int | None) -> Subject:
    """Scenes to validate with are of an odd size, and have digits and photographs that no other has."""
    classes = Classes(("background", *map(str, range(10))), ("#000000", *APART))
    return Subject(Found(pasted_scenes("train", limit or 1200, (160, 160)), pasted_scenes("test", 24, (161, 215)),
                         classes), "Handwritten digits (MNIST) pasted on photographs", turning=False)


def _folder(path: Path, limit: int | None) -> Subject:
    return Subject(found_scenes(path, limit), f"Pictures and masks in {path.name}")


SUBJECTS: dict[str, Callable[[int | None], Subject]] = {"nuclei": _nuclei, "digits": _digits}


def data(settings: Settings) -> Data:
    """Random crops of the scenes to train on, and tiles of the others to look at after each epoch."""
    subject = _folder(Path(settings.data), settings.limit) if settings.data else SUBJECTS[settings.subject](
        settings.limit)
    found = subject.found
    pixels = counted(found.train, len(found.classes.names))
    weights = (pixels.sum() / np.maximum(pixels, 1)) ** POWERS[settings.balance]
    weights = (weights * (pixels.sum() / (weights * pixels).sum())).astype(np.float32)
    shown = found.classes.shown()
    own = [mine if theirs == REST else theirs for mine, theirs in zip(shown, found.classes.colours, strict=True)]
    parts = [part for scene in (*found.train, *found.validation) for part in (scene.picture, scene.mask)]
    return Data(
        Crops(found.train, settings.crop, settings.crops, weights, subject.turning),
        Tiles(found.validation, settings.crop, weights, TILES), found, subject.source, digest(*parts),
        about={"classes": list(found.classes.names), "colours": own, "shown": shown,
               "channels": 1 if found.train[0].picture.ndim == 2 else 3},
        counts={"crops an epoch": settings.crops, "pictures to train": len(found.train),
                "pictures to validate": len(found.validation)})


def network(channels: int, classes: int, *, kind: str = "unet", upsampler: str = "transposed",
            filters: Sequence[int] = (8, 16, 32, 48), backend: str | None = None) -> Any:
    """A Keras model: pictures `(N, H, W, channels)` to a score for each class, `(N, H, W, classes)`.

    Args:
        channels: of the pictures.
        classes: how many.
        kind: "unet" or "fcn".
        upsampler: "transposed", "resize" or "subpixel".
        filters: at each scale, the finest first.
        backend: of Keras.
    """
    use_backend(backend)
    import keras

    inputs = keras.Input((None, None, channels))
    kept, x = [], inputs
    for depth, count in enumerate(filters):
        x = keras.layers.MaxPooling2D(padding="same")(x) if depth else x
        x = _convolved(_convolved(x, count), count)
        kept.append(x)
    return keras.Model(inputs, DECODERS[kind](kept, classes, upsampler), name=kind)


def _convolved(x: Any, filters: int) -> Any:
    import keras

    from .layers import Conv2D

    x = Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))


def _doubled(x: Any, like: Any, filters: int, upsampler: str, **options: Any) -> Any:
    """A map on the grid of the next finer one; kernels of three taps see as far as a transposed one of four."""
    from ..keras import CropLike
    from .layers import UPSAMPLERS

    taps = 4 if upsampler == "transposed" else 3
    return CropLike()([UPSAMPLERS[upsampler](filters, taps, **options)(x), like])


def _unet(kept: Sequence[Any], classes: int, upsampler: str) -> Any:
    """Double, join what the encoder kept at this scale, convolve twice; so to the finest (Ronneberger et al. 2015)."""
    import keras

    from .layers import Conv2D

    x = kept[-1]
    for skip in reversed(kept[:-1]):
        x = keras.layers.Concatenate()([_doubled(x, skip, skip.shape[-1], upsampler), skip])
        x = _convolved(_convolved(x, skip.shape[-1]), skip.shape[-1])
    return Conv2D(classes, 1, name="scores")(x)


def _fcn(kept: Sequence[Any], classes: int, upsampler: str) -> Any:
    """Scores at each scale; the coarser ones are doubled and added to the next finer ones (Long et al. 2015)."""
    import keras

    from ..keras import Bilinear
    from .layers import Conv2D

    start = {"kernel_initializer": Bilinear()} if upsampler == "transposed" else {}
    scores = None
    for depth, skip in reversed(list(enumerate(kept))):
        own = Conv2D(classes, 1, name=f"own_{2**depth}")(skip)
        scores = own if scores is None else keras.layers.Add(name=f"scores_{2**depth}")(
            [_doubled(scores, skip, classes, upsampler, **start), own])
    return scores


DECODERS: dict[str, Callable[[Sequence[Any], int, str], Any]] = {"unet": _unet, "fcn": _fcn}


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network; each pixel's cross-entropy is weighed by its class."""
    model = network(about["channels"], len(about["classes"]), kind=settings.network, upsampler=settings.upsampler,
                    filters=settings.filters, backend=settings.backend)
    import keras

    rate = keras.optimizers.schedules.ExponentialDecay(settings.learning_rate, 4 * about["steps"], 0.5)
    model.compile(keras.optimizers.Adam(rate), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return Compiled(model)


def segmented(trained: Trained, picture: Array) -> Array:
    """A picture of any size to its class numbers `(H, W)`, uint8; a large one tile by tile, with the same result."""
    def classes(seen: Array) -> Array:
        return np.asarray(trained.model.predict_on_batch(seen)).argmax(axis=-1)[..., None].astype(np.uint8)

    return tiled(trained.model, stretched(picture), tile=SIDE, run=classes)[..., 0]


def after_epoch(trained: Trained, data: Data) -> Mapping[str, float]:
    """Dice and IoU over the tiles to validate with."""
    tiles: Any = data.validation
    pairs = ((masks, np.asarray(trained.model.predict_on_batch(pictures)).argmax(axis=-1))
             for pictures, masks, _ in batches(tiles, trained.settings.batch_size))
    found = means(confusions(pairs, len(trained.about["classes"])))
    return {f"val_{name}": value for name, value in found.items()}


def judge(trained: Trained, data: Data) -> Judged:
    """Whole pictures that it was not trained on, what it finds there, and what colour alone would."""
    scenes, names, shown = data.test.validation, trained.about["classes"], trained.about["shown"]
    found = [segmented(trained, scene.picture) for scene in scenes]
    table = confusions(((scene.mask, one) for scene, one in zip(scenes, found, strict=True)), len(names))
    ours, alone = means(table), means(by_colour(data.test.train, scenes, len(names)))
    over = f"{len(scenes)} whole picture{'s' if len(scenes) > 1 else ''}"
    seen = "brightness alone" if trained.about["channels"] == 1 else "colour alone"
    what = f"of {names[1]}" if len(names) == 2 else f"mean of {len(names) - 1} classes"
    return Judged(
        f"A class for each pixel: {', '.join(names[1:]) if len(names) < 6 else f'{len(names) - 1} of them'}",
        f"{KINDS[trained.settings.network]} with {UPSAMPLED[trained.settings.upsampler]} learned where each class is.",
        [Figure(f"Dice, {what}", ours["dice"], over, baselines={seen: alone["dice"]}, digits=3),
         Figure(f"IoU, {what}", ours["iou"], over, baselines={seen: alone["iou"]}, digits=3)],
        [*_galleries(scenes, found, shown), *_key(names, shown), *_scales(trained, scenes), *tables(names, table)])


KINDS = {"unet": "A U-Net", "fcn": "A fully convolutional network that predicts at several scales"}
UPSAMPLED = {"transposed": "transposed convolutions", "resize": "resizes before convolutions",
             "subpixel": "convolutions before shuffles"}


def _galleries(scenes: Sequence[Scene], found: Sequence[Array], shown: Sequence[str]) -> list[Gallery]:
    """The middle of the first pictures, and where most is wrong in those where that is most."""
    pairs = list(zip(scenes, found, strict=True))
    wrong = [(scene.mask != one, (scene, one)) for scene, one in pairs]
    places = [(fullest(marked, WINDOW), marked, pair) for marked, pair in wrong]
    worst = sorted(places, key=lambda place: -place[1][place[0]].sum())[:SHOWN]
    labels = ("picture", "by hand", "found", "differences")
    said = "In the differences yellow was missed, magenta is too much, white is another class."
    return [Gallery("What it finds", f"The middle of pictures that it was not trained on. {said}", labels,
                    [_seen(*pair, _middle(pair[1]), shown) for pair in pairs[:SHOWN]], across=1, sharp=False),
            Gallery("Where it is worst", "Of all those pictures, where most pixels are wrong.", labels,
                    [_seen(*pair, here, shown) for here, _, pair in worst], across=1, sharp=False)]


def _middle(found: Array) -> tuple[slice, ...]:
    starts = [max(0, (size - WINDOW) // 2) for size in found.shape]
    return tuple(slice(start, start + WINDOW) for start in starts)


def _seen(scene: Scene, found: Array, here: tuple[slice, ...], shown: Sequence[str]) -> Sequence[Array]:
    picture, true, one = scene.picture[here], scene.mask[here], found[here]
    return picture, overlay(picture, true, shown), overlay(picture, one, shown), differences(picture, true, one)


def _key(names: Sequence[str], shown: Sequence[str]) -> list[Gallery]:
    if len(names) == 2:
        return []
    patches = [coloured(np.full((6, 60), number, np.uint8), shown) for number in range(1, len(names))]
    return [Gallery("Classes", "The colours of the pictures above.", names[1:], [patches], across=1)]


def _scales(trained: Trained, scenes: Sequence[Scene]) -> list[Section]:
    """What a network that predicts at several scales says at each of them."""
    if trained.settings.network != "fcn":
        return []
    import keras

    layers = [layer for layer in trained.model.layers if layer.name.startswith("scores_")]
    coarsest = trained.model.get_layer(f"own_{2 ** len(layers)}")
    model = keras.Model(trained.model.inputs, [layer.output for layer in (coarsest, *layers)])
    picture = scenes[0].picture[:WINDOW, :WINDOW]
    scores = model.predict_on_batch(stretched(picture)[None])
    drawn = [coloured(np.asarray(one)[0].argmax(axis=-1), trained.about["shown"]) for one in scores]
    labels = [f"at 1/{2**depth}" for depth in range(len(layers), 0, -1)]
    return [Gallery("What each scale adds", "The classes by the coarsest scores alone, and with each finer scale's.",
                    ("picture", *labels, "at full size"), [(picture, *drawn)], across=1)]


def segment(trained: Trained) -> Callable[[Array], Made]:
    """A picture to its mask, in the colours that the classes were learned from, and to an overlay."""
    about = trained.about

    def made(pixels: Array) -> Made:
        picture = _grey(pixels) if about["channels"] == 1 else pixels
        found = segmented(trained, picture)
        shares = np.bincount(found.ravel(), minlength=len(about["classes"])) / found.size
        shared = {name: float(share) for name, share in zip(about["classes"], shares, strict=True)}
        return Made({"-mask.png": coloured(found, about["colours"]),
                     "-overlay.png": overlay(picture, found, about["shown"])},
                    ", ".join(f"{name} {100 * share:.1f} %" for name, share in shared.items() if share), shared)

    return made


def _grey(pixels: Array) -> Array:
    from PIL import Image

    return np.array(Image.fromarray(pixels).convert("L"))


RECIPE = Recipe(
    name="segmentation",
    says="Learn which class each pixel of a picture belongs to: nuclei under a microscope, digits on photographs, or "
         "the masks of your own pictures.",
    settings=Settings,
    data=data,
    learner=learner,
    judge=judge,
    metrics={"loss": "cross-entropy, weighed by class", "dice": "Dice", "iou": "IoU"},
    uses={"segment": Use("A mask in the classes' colours and an overlay of each picture, of any size.", segment)},
    examples={"": "nuclei", "--subject digits --network fcn": "ten classes, predictions at several scales",
              "--upsampler resize": "no transposed convolutions",
              "--data my-cells/ --epochs 30": "my-cells/images and my-cells/masks"},
    after_epoch=after_epoch,
)
