"""A convolutional autoencoder for handwritten digits: three convolutions in, three transposed convolutions out.

The grid shrinks 28, 26, 24, 22 and grows back 24, 26, 28, because a transposed convolution returns the size that a
convolution of the same setting took. The code is 22x22x8, more numbers than the image has: what is learned is to undo
three convolutions, not to compress.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, SettingError
from ..files import check_place
from ..geometry import Extent, Spec, problem_from_coarse, whole
from ..methods.channels import Array
from . import checkpoint
from .backend import BACKENDS, use_backend
from .checkpoint import Checkpoint
from .data import SIDE, Digits, first, load
from .training import Plan, Watch, evaluate, train

__all__ = ["Outcome", "Settings", "as_input", "network", "restore", "resume", "start"]

SHARE_FOR_VALIDATION = 5
KERNEL = (3, 3)
# What a step holds for each number that a layer gives: itself, its gradient, and what the loss keeps of it.
COPIES = 3


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training of the autoencoder depends on.

    Args:
        filters: channels after each convolution; the way back has the same in reverse.
        epochs: passes over the data, >= 1.
        batch_size: images a step, >= 1.
        seed: of the weights and of every epoch's order, >= 0.
        learning_rate: of Adam, > 0; twice Keras' own 0.001, because a batch of 1000 leaves few steps.
        backend: the framework under Keras.
        data: file or folder with images; None is MNIST as it is installed.
        limit: train on the first so many images only.

    Raises:
        SettingError: if one is out of its range.
        SizeError: if a step would need more memory than this machine has.
    """

    filters: tuple[int, ...] = (32, 16, 8)
    epochs: int = 25
    batch_size: int = 1000
    seed: int = 0
    learning_rate: float = 0.002
    backend: str = "jax"
    data: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            object.__setattr__(self, name, whole("autoencoder", name, getattr(self, name), least))
        object.__setattr__(self, "learning_rate", _rate(self.learning_rate))
        object.__setattr__(self, "filters", tuple(whole("autoencoder", "filters", count, 1) for count in self.filters))
        deepest = (SIDE - 1) // (KERNEL[0] - 1)
        if not 1 <= len(self.filters) <= deepest:
            raise SettingError(f"autoencoder: filters is {self.filters}, {len(self.filters)} layers, but a "
                               f"{SIDE}x{SIDE} image "
                               f"has room for 1 to {deepest} convolutions of 3x3.")
        if self.backend not in BACKENDS:
            raise SettingError(f"autoencoder: backend is {self.backend!r}, but has to be one of {', '.join(BACKENDS)}.")
        _check_memory(self.filters, self.batch_size)


def _rate(value: Any) -> float:
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise SettingError(f"autoencoder: learning_rate is {value!r}, but has to be a number above 0, as 0.002 is.")
    return rate


def _check_memory(filters: Sequence[int], batch: int) -> None:
    for depth, (fine, coarse) in enumerate(pairwise((1, *filters))):
        grid = (SIDE - (KERNEL[0] - 1) * (depth + 1),) * 2
        problem_from_coarse(Spec.of(KERNEL), grid).check_memory(
            "autoencoder", Extent(min(batch, 60_000), coarse, fine), 4 * COPIES)


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """A training, prepared or done.

    Args:
        settings: as they are in force.
        run: the folder that holds it.
        model: the compiled Keras model.
        digits: the images.
        saved: the last checkpoint.
        summary: the layers and their parameters, as Keras prints them.
    """

    settings: Settings
    run: Path
    model: Any
    digits: Digits
    saved: Checkpoint
    summary: str

    def train(self, watch: Watch = lambda _: None) -> Outcome:
        """Train to the last epoch; whatever was done before is kept."""
        images = as_input(self.digits.train)
        cut = len(images) - len(images) // SHARE_FOR_VALIDATION
        plan = Plan(self.settings.epochs, self.settings.batch_size, self.settings.seed)
        saved = train(self.model, images[:cut], images[cut:], plan=plan, path=self.run / checkpoint.NAME,
                      start=self.saved, watch=watch)
        return replace(self, saved=saved)

    def test_loss(self) -> float:
        """Mean binary cross-entropy over the test images."""
        return evaluate(self.model, as_input(self.digits.test), self.settings.batch_size)


def as_input(images: Array) -> Array:
    """uint8 `(N, 28, 28)` to float32 `(N, 28, 28, 1)` in `0..1`."""
    return np.multiply(images[..., None], np.float32(1 / 255), dtype=np.float32)


def start(settings: Settings, run: Path) -> Outcome:
    """Prepare a new training in a new folder; its first checkpoint is written before any step.

    Raises:
        DataError: if the folder holds a run already or cannot be written, or the images are not what they should be.
    """
    if (run / checkpoint.NAME).exists():
        raise DataError(f"{run}: holds a run already; go on with --resume {run}, or give another --out.")
    digits = _digits(settings)
    check_place(run)
    model = _seeded(settings)
    summary = _summary(model)
    variables, paths = checkpoint.snapshot(model)
    saved = Checkpoint(_plain(settings), digits.digest, (), variables, paths)
    checkpoint.write(run / checkpoint.NAME, saved)
    return Outcome(settings, run, model, digits, saved, summary)


def resume(run: Path, **given: Any) -> Outcome:
    """Go on with a training from its last checkpoint.

    Args:
        run: the folder that holds it.
        given: settings that the caller insists on; None where there is no wish. More epochs prolong the training, all
            others have to be those that it was started with.

    Raises:
        DataError: if there is no whole checkpoint, or it belongs to other settings, images or another network.
    """
    saved = checkpoint.read(run)
    settings = _settings(saved, run)
    for name, value in given.items():
        was = getattr(settings, name)
        longer = name == "epochs" and value is not None and value >= len(saved.history)
        if value is not None and value != was and not longer:
            raise DataError(f"{run}: was started with {name}={_said(was)}, and cannot go on with {_said(value)}; "
                            "leave it out, or "
                            "start a new run.")
    settings = replace(settings, epochs=given.get("epochs") or settings.epochs)
    digits = _digits(settings)
    if digits.digest != saved.data:
        raise DataError(f"{run}: was started on other images than {digits.source} has now; give the same --data, or "
                        "start a new "
                        "run.")
    model = _seeded(settings)
    summary = _summary(model)
    checkpoint.pour(saved, model, str(run))
    return Outcome(settings, run, model, digits, replace(saved, settings=_plain(settings)), summary)


def restore(run: Path, *, backend: str | None = None) -> tuple[Settings, Any]:
    """The settings and the network of a run as its last checkpoint has them, to be used.

    Raises:
        DataError: if there is no whole checkpoint, or it is that of another network.
    """
    saved = checkpoint.read(run)
    settings = _settings(saved, run)
    model = network(settings.filters, learning_rate=settings.learning_rate, backend=backend or settings.backend)
    checkpoint.pour(saved, model, str(run))
    return settings, model


def _digits(settings: Settings) -> Digits:
    digits = load(settings.data)
    return digits if settings.limit is None else first(digits, settings.limit)


def _seeded(settings: Settings) -> Any:
    use_backend(settings.backend)
    import keras

    keras.utils.set_random_seed(settings.seed % 2**32)
    return network(settings.filters, learning_rate=settings.learning_rate, backend=settings.backend)


def _summary(model: Any) -> str:
    """Taken before the optimizer has variables, which Keras would add to the total."""
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    return "\n".join(lines).strip()


def _plain(settings: Settings) -> dict[str, Any]:
    return {"recipe": "autoencoder", **asdict(settings), "filters": list(settings.filters)}


def _settings(saved: Checkpoint, run: Path) -> Settings:
    plain = dict(saved.settings)
    recipe = plain.pop("recipe", None)
    if recipe != "autoencoder":
        raise DataError(f"{run}: is a run of the recipe {recipe!r}, not of the autoencoder; use that recipe.")
    try:
        return Settings(**{**plain, "filters": tuple(plain["filters"])})
    except (TypeError, KeyError):
        raise DataError(f"{run}: was written with other settings than this version of tconv knows; use the version "
                        "that wrote "
                        "it.") from None


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
