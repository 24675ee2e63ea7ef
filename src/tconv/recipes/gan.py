"""A generative adversarial network: one network draws pictures, the other tells them from real ones (DCGAN).

The generator enlarges a small grid step by step, and `--upsampler` says by what: a transposed convolution of stride 2,
a resize and a convolution, or a convolution whose channels are dealt out (sub-pixel). A transposed convolution with 5
taps at stride 2 meets a cell by 9, 6, 6 or 4 of them: what it draws begins as a checkerboard, which training has to
undo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..diagnose import Diagnosis, diagnosis
from ..errors import DataError, SettingError
from ..geometry import Extent, Spec, problem_from_coarse
from ..methods.channels import Array
from . import film
from .data import first, load
from .data.squares import squares
from .frechet import unlikeness
from .pictures import KINDS
from .recipe import (
    Animation,
    Batch,
    Data,
    Figure,
    Gallery,
    Judged,
    Made,
    Recipe,
    Section,
    Table,
    Trained,
    Use,
    digest,
)
from .seeing import Question, Seeing, seeing, turned
from .settings import Common, setting

__all__ = ["RECIPE", "Adversaries", "Settings", "discriminator", "generator", "samples"]

# Taps on each side that reach about as far: DCGAN's own for the transposed convolution.
KERNELS = {"transposed": 5, "resize": 3, "subpixel": 3}
COLOUR_SIDE, COLOURS = 32, 3
LOOKING = 4  # taps of the discriminator: a multiple of its stride, so that each pixel counts as much as the next
SHARE_TO_TEST = 7
FEWEST_TO_TEST = 10
COPIES = 6  # what a step holds for each number that a layer gives, in both networks' passes
ACROSS = 8  # samples in a row of the picture that is kept of each epoch
AT_ONCE = 100  # that are drawn together
WATCHED = 2000  # samples that are measured after each epoch
JUDGED = 10_000
SHOWN = 16


@dataclass(frozen=True, slots=True)
class Settings(Common):
    """What a training of the two networks depends on.

    Raises:
        SettingError: if one is out of its range.
        SizeError: if a step would need more memory than this machine has.
    """

    recipe: ClassVar[str] = "gan"

    epochs: int = setting(10, "Passes over the data.", least=1)
    batch_size: int = setting(60, "Real pictures a step, and as many drawn ones.", least=2)
    learning_rate: float = setting(0.0005, "Of Adam, for both networks.", above=0)
    data: str | None = setting(None, "A folder of colour pictures; or digits: idx files or mnist.npz; else MNIST as it "
                               "is installed.", path=True, shown="as installed")
    upsampler: str = setting("transposed", "What enlarges.", choices=tuple(KERNELS))
    kernel: int | None = setting(None, "Taps of what enlarges, on each side.", least=1, most=15,
                                 shown="5 transposed, 3 otherwise")
    filters: tuple[int, ...] = setting((48, 24), "Channels of the grids, from the smallest; each doubles the side. The "
                                       "discriminator mirrors them.", least=1)
    latent: int = setting(64, "Random numbers that a picture is made of.", least=1)
    side: int | None = setting(None, "Pixels on each side, for colour pictures.", least=8, most=512, shown="32")
    average: float = setting(0.995, "Share of itself that the averaged generator keeps at each step, once it has "
                             "begun.", above=0, most=0.99999)

    @property
    def taps(self) -> int:
        """On each side of the layers that enlarge."""
        return self.kernel or KERNELS[self.upsampler]

    def check(self) -> None:
        """Look whether there is a layer, and a step fits into memory."""
        if not self.filters:
            raise SettingError("gan: filters is (), but something has to double the grid; give some, as in 48,24.")
        grid = (self.side or COLOUR_SIDE,) * 2
        for coarse, fine in reversed([*zip(self.filters, (*self.filters[1:], COLOURS), strict=True)]):
            grid = (-(-grid[0] // 2),) * 2
            problem_from_coarse(Spec.of((self.taps,) * 2, stride=2), grid).check_memory(
                "gan", Extent(2 * self.batch_size, coarse, fine), 4 * COPIES)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Real pictures, uint8 `(N, H, W, C)`, each with the random numbers that a drawn one is made of."""

    pictures: Array
    latent: int

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """Real pictures in -1..1, and random numbers `(B, latent)`."""
        return as_input(self.pictures[places]), draw.standard_normal((len(places), self.latent), np.float32)


def as_input(pictures: Array) -> Array:
    """uint8 to float32 in -1..1."""
    return np.multiply(pictures, np.float32(1 / 127.5), dtype=np.float32) - np.float32(1)


def as_picture(values: Array) -> Array:
    """Back to uint8."""
    return np.rint((values + 1) * 127.5).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """Real pictures to compare with: those trained on, others, and what the classifier between them is asked."""

    train: Array
    test: Array
    question: Question


def data(settings: Settings) -> Data:
    """A folder of colour pictures, of which one in seven is kept to compare with; or digits."""
    folder = Path(settings.data or "")
    real, source = _colours(settings, folder) if settings.data and _holds_pictures(folder) else _digits(settings)
    side, channels = real.train.shape[2:]
    if side % 2 ** len(settings.filters):
        raise SettingError(f"gan: filters is {settings.filters}, so that the side doubles {len(settings.filters)} "
                           f"times, but pictures of {side}x{side} cannot be halved so often; give fewer --filters, or "
                           "another --side.")
    return Data(Pairs(real.train, settings.latent), None, real, source, digest(real.train, real.test),
                {"side": side, "channels": channels}, {"to train": len(real.train), "to test": len(real.test)})


def _holds_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(path.suffix.lower() in KINDS for path in folder.rglob("*"))


def _colours(settings: Settings, folder: Path) -> tuple[Real, str]:
    found = squares(folder, settings.side or COLOUR_SIDE, limit=settings.limit)
    cut = len(found) - len(found) // SHARE_TO_TEST
    return Real(found[:cut], found[cut:], turned(found[:cut])), f"{len(found):,} pictures in {folder.name}"


def _digits(settings: Settings) -> tuple[Real, str]:
    if settings.side is not None:
        raise SettingError(f"gan: side is {settings.side}, but digits have 28 pixels on each side; leave it out, or "
                           "give a folder of colour pictures with --data.")
    whole = load(settings.data)
    some = whole if settings.limit is None else first(whole, settings.limit)
    if len(whole.test) < FEWEST_TO_TEST:
        raise DataError(f"{whole.source}: has {len(whole.test)} images to test with, but the Fréchet distance takes "
                        f"{FEWEST_TO_TEST} or more; give more images.")
    images, labels = whole.train[..., None], whole.train_labels
    question = turned(images) if labels is None else Question(images, labels, "which digit it is")
    return Real(some.train[..., None], whole.test[..., None], question), some.source


def generator(settings: Settings, side: int, channels: int) -> Any:
    """A Keras model from `(N, latent)` to pictures `(N, side, side, channels)` in -1..1."""
    import keras
    from keras.layers import BatchNormalization, Dense, ReLU, Reshape

    from .layers import UPSAMPLERS

    enlarged, taps = UPSAMPLERS[settings.upsampler], settings.taps
    first, *rest = settings.filters
    start = side // 2 ** len(settings.filters)
    layers = [Dense(start * start * first, use_bias=False), Reshape((start, start, first))]
    for count in rest:
        layers += [BatchNormalization(momentum=0.9), ReLU(), enlarged(count, taps, use_bias=False)]
    layers += [BatchNormalization(momentum=0.9), ReLU(), enlarged(channels, taps, activation="tanh")]
    return keras.Sequential([keras.Input((settings.latent,)), *layers], name="generator")


def discriminator(settings: Settings, side: int, channels: int) -> Any:
    """A Keras model from pictures to one number each: above 0 it takes the picture for real."""
    import keras
    from keras.layers import Dense, Flatten, LeakyReLU

    from .layers import Conv2D

    halved = [layer for count in reversed(settings.filters)
              for layer in (Conv2D(count, LOOKING, strides=2, padding="same"), LeakyReLU(0.2))]
    return keras.Sequential([keras.Input((side, side, channels)), *halved, Flatten(), Dense(1)], name="discriminator")


class Adversaries:
    """Both networks, learning from one batch at a time; `model` is the average of the generators of the last steps.

    One Adam serves both: it treats each number by itself, so that it does what two of the same rate would do.
    """

    def __init__(self, settings: Settings, about: Mapping[str, Any]):
        shape = settings, about["side"], about["channels"]
        self.average = settings.average
        self.model, self.generator, self.discriminator = generator(*shape), generator(*shape), discriminator(*shape)
        self.model.set_weights(self.generator.get_weights())
        self.contest = _contest(self.generator, self.discriminator, settings.learning_rate)

    def step(self, *batch: Array) -> Mapping[str, float]:
        """Both learn from real pictures and noise, each against the other as it was before; the average follows."""
        found = self.contest.train_on_batch([*batch], _wanted(len(batch[0])), return_dict=True)
        steps = int(self.contest.optimizer.iterations)
        fresh = max(1 - self.average, 1 / (1 + steps / 10))  # an average over few steps as long as there are few
        for mean, last in zip(self.model.variables, self.generator.variables, strict=True):
            mean.assign(mean + fresh * (last - mean))
        return _named(found)

    def test(self, *batch: Array) -> Mapping[str, float]:
        """The same numbers, without learning."""
        return _named(self.contest.test_on_batch([*batch], _wanted(len(batch[0])), return_dict=True))

    def variables(self) -> Sequence[Any]:
        """Of both networks, of Adam, and the average."""
        return [*self.contest.trainable_variables, *self.contest.non_trainable_variables,
                *self.contest.optimizer.variables, *self.model.variables]


def _contest(generator: Any, discriminator: Any, learning_rate: float) -> Any:
    """Both networks as one compiled model: real pictures and random numbers to three scores.

    The discriminator learns from `real` and `fake`, where no gradient reaches the generator; the generator from
    `fooled`, where none reaches the discriminator. It wants its pictures to be taken for real (Goodfellow et al. 2014).
    """
    import keras

    from .layers import Still

    real, noise = keras.Input(discriminator.input_shape[1:]), keras.Input(generator.input_shape[1:])
    drawn = generator(noise)
    contest = keras.Model([real, noise], {
        "real": discriminator(real),
        "fake": discriminator(keras.ops.stop_gradient(drawn)),
        "fooled": Still(discriminator)(drawn),
    })
    scores = contest.output.keys()
    contest.compile(keras.optimizers.Adam(learning_rate, beta_1=0.5),
                    loss={name: keras.losses.BinaryCrossentropy(from_logits=True) for name in scores},
                    metrics={name: [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)] for name in scores})
    contest.optimizer.build(contest.trainable_variables)
    return contest


def _wanted(count: int) -> dict[str, Array]:
    ones = np.ones((count, 1), np.float32)
    return {"real": ones, "fake": 0 * ones, "fooled": ones}


def _named(found: Mapping[str, float]) -> Mapping[str, float]:
    return {"loss": found["fooled_loss"], "discriminator_loss": found["real_loss"] + found["fake_loss"],
            "real_accuracy": found["real_accuracy"], "fake_accuracy": found["fake_accuracy"]}


def samples(trained: Trained, numbers: Sequence[int]) -> Array:
    """Pictures by number, uint8 `(N, side, side, channels)`: the same number is the same picture, now and later."""
    seed, latent = trained.settings.seed, trained.settings.latent
    noise = np.stack([np.random.default_rng((seed, n)).standard_normal(latent, np.float32) for n in numbers])
    parts = (trained.model.predict_on_batch(noise[at : at + AT_ONCE]) for at in range(0, len(noise), AT_ONCE))
    return np.concatenate([as_picture(np.asarray(part)) for part in parts])


def frame(trained: Trained, data: Data) -> Array:
    """Samples 0 to 63 as one picture."""
    return _tiled(samples(trained, range(ACROSS**2)))


def after_epoch(trained: Trained, data: Data) -> Mapping[str, float]:
    """How unlike a few samples are to as many real pictures, and how much of a checkerboard they have."""
    seen, test = _seeing(data), data.test.test[:WATCHED]
    made = samples(trained, range(len(test)))
    return {"unlikeness": unlikeness(seen.features(made), seen.features(test)),
            "checkerboard": _repeated(_periods(trained, made))}


def _seeing(data: Data) -> Seeing:
    return seeing(data.test.question)


def _flat(pictures: Array) -> Array:
    """Grey ones without their single channel."""
    return pictures[..., 0] if pictures.shape[-1] == 1 else pictures


def _tiled(pictures: Array) -> Array:
    """Square many pictures into one, with a line between."""
    padded = np.pad(pictures, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=128)
    rows, side = len(pictures) // ACROSS, padded.shape[1]
    grid = padded.reshape(rows, ACROSS, side, side, -1).swapaxes(1, 2).reshape(rows * side, ACROSS * side, -1)
    return _flat(grid[:-1, :-1])


def judge(trained: Trained, data: Data) -> Judged:
    """Samples, how they came about, how unlike they are to real pictures, and whether they repeat with the strides."""
    test = data.test.test[:JUDGED]
    made = samples(trained, range(len(test)))
    seen = _seeing(data)
    real = seen.features(test)
    other = data.test.train[: len(test)]
    value, alike, gaussian = (unlikeness(seen.features(one), real) for one in (made, other, _gaussian(data, len(test))))
    found = {"real pictures": _periods(trained, test), "samples": _periods(trained, made)}
    settings = trained.settings
    return Judged(
        "Pictures drawn by a network",
        f"A generator of {trained.model.count_params():,} parameters ({settings.upsampler}, {settings.taps}x"
        f"{settings.taps}) learned to draw from a discriminator that learned to tell its pictures from real ones. The "
        "Fréchet distance is measured between 64 features of samples and of test pictures, those by which a small "
        f"classifier tells {seen.says} ({seen.accuracy:.1%} right), in percent of the real ones' variance.",
        [Figure("Fréchet distance", value, f"{len(made):,} samples", "%",
                {"real training pictures": alike, "a Gaussian of pixels": gaussian}, "lower"),
         Figure("energy at a checkerboard's frequencies, over what is natural", _repeated(found["samples"]),
                "the same samples", "", {"real test pictures": _repeated(found["real pictures"])}, "lower")],
        [Gallery("Samples", "The first 64 by number, none of them chosen.", ("sample",),
                 [(one,) for one in _flat(made[: ACROSS**2])]),
         *_film(trained),
         _nearest(seen, made[:SHOWN], data.test.train, real.std(axis=0)),
         _spectra(found), _said(trained, data, made), _table(found)],
    )


def _gaussian(data: Data, count: int) -> Array:
    """The best that means and covariances of pixels can do: random sums of real pictures."""
    some = data.test.train[:WATCHED].astype(np.float32)
    rows, mean = some.reshape(len(some), -1), some.mean(axis=0)
    draw = np.random.default_rng(0).standard_normal((count, len(rows)), np.float32)
    made = draw @ (rows - mean.ravel()) / np.sqrt(np.float32(len(rows)))
    return np.clip(mean + made.reshape(-1, *mean.shape), 0, 255).astype(np.uint8)


def _film(trained: Trained) -> list[Section]:
    """The frames that were kept of the epochs, if they are still there."""
    kept = film.frames(trained.folder)
    said = f"The same 64 samples after each epoch; {film.FILM} beside this page is the same film."
    return [Animation("How they came about", said, kept, film.SECONDS)] if kept else []


def _nearest(seen: Seeing, made: Array, real: Array, spread: Array) -> Gallery:
    """Beside each sample the training picture that is most like it, so that one sees what was learned by heart."""
    known, drawn = (seen.features(one) / (spread + 1e-6) for one in (real, made))
    nearest = [int(np.square(known - one).sum(axis=1).argmin()) for one in drawn]
    return Gallery("Learned by heart?", "Above a sample, below the training picture whose features are nearest.",
                   ("sample", "nearest training picture"), list(zip(_flat(made), _flat(real[nearest]), strict=True)))


def _strides(trained: Trained) -> tuple[int, ...]:
    """The periods of a checkerboard: 2 of the last layer, 4 of the last two."""
    return (2, 4)[: len(trained.settings.filters)]


def _periods(trained: Trained, pictures: Array) -> Diagnosis:
    """Periodic energy of pictures; those too small for their longest period get a border of their background."""
    periods = _strides(trained)
    need = 8 * max(periods)
    side = max(need, pictures.shape[1])
    border = (side - pictures.shape[1] + 1) // 2
    wide = np.pad(pictures.astype(np.float32) / 255, ((0, 0), (border, border), (border, border), (0, 0)), mode="edge")
    return diagnosis(wide, periods=periods)


def _repeated(found: Diagnosis) -> float:
    """Energy of the shortest period, that of the last layer's stride, over what is natural."""
    period = found.periods[0]
    return period.energy / period.natural


def _spectra(found: Mapping[str, Diagnosis]) -> Gallery:
    """Both spectra as pictures in one scale of greys, frequency 0 in the middle."""
    logs = [np.log(np.fft.fftshift(one.spectrum.power) + 1e-9) for one in found.values()]
    low, high = min(log.min() for log in logs), max(log.max() for log in logs)
    drawn = [np.rint(255 * (log - low) / (high - low)).astype(np.uint8) for log in logs]
    return Gallery("How strong each frequency is", "Mean power of all pictures, logarithmic, with frequency 0 in the "
                   "middle; white is strong. A checkerboard is a dot in the corners and at the middles of the edges "
                   "(period 2), or halfway to them (period 4).", tuple(found), [drawn], across=1)


def _said(trained: Trained, data: Data, made: Array) -> Table:
    """The discriminator on pictures that it learned from, on others, and on samples of the averaged generator."""
    count = min(len(made), WATCHED)
    judged = trained.learner.discriminator  # type: ignore[attr-defined]
    groups = {"real, trained on": (data.test.train[:count], 1),
              "real, never seen": (data.test.test[:count], 1), "samples": (made[:count], -1)}
    rows = []
    for name, (pictures, sign) in groups.items():
        scores = np.concatenate([np.asarray(judged.predict_on_batch(as_input(pictures[at : at + AT_ONCE])))
                                 for at in range(0, len(pictures), AT_ONCE)])
        rows.append((name, f"{len(pictures):,}", f"{(sign * scores > 0).mean():.1%}"))
    return Table("What the discriminator can tell", "At the end, of samples of the averaged generator.",
                 ("pictures", "how many", "told right"), rows)


def _table(found: Mapping[str, Diagnosis]) -> Table:
    rows = [(f"{name}, period {period.period}", f"{period.energy / period.natural:.2f}", f"{period.deviations:+.1f}",
             "yes" if period.found else "no") for name, one in found.items() for period in one.periods]
    return Table("Does it repeat with the strides?", "Energy at a pattern's frequencies, over what those around them "
                 "let one expect; and how many standard deviations that is.",
                 ("pictures", "energy / natural", "deviations", "a pattern"), rows)


def drawn(trained: Trained) -> Callable[[int], Made]:
    """A number to the sample of that number."""
    def made(number: int) -> Made:
        pixels = _flat(samples(trained, [number]))[0]
        return Made({".png": pixels}, beside=(pixels,))

    return made


RECIPE = Recipe(
    name="gan",
    says="Learn to draw digits, or pictures like those in a folder.",
    settings=Settings,
    data=data,
    learner=Adversaries,
    judge=judge,
    metrics={"unlikeness": "Fréchet distance in percent of the real pictures' variance, 2,000 samples",
             "checkerboard": "energy at the frequencies of period 2, over what is natural",
             "loss": "loss of the generator", "discriminator_loss": "loss of the discriminator",
             "real_accuracy": "share of real pictures that the discriminator takes for real",
             "fake_accuracy": "share of drawn pictures that it takes for drawn"},
    uses={"draw": Use("Draw pictures, the same for the same number.", drawn, "nothing")},
    examples={"": "", "--upsampler resize": "no checkerboard", "--upsampler transposed --kernel 4": "even overlap",
              "--limit 6000 --epochs 2": "a quick try",
              "--data emoji/ --filters 128,64,32 --epochs 60": "a folder of colour pictures"},
    after_epoch=after_epoch,
    frame=frame,
)
