"""What is to be said about a training that is done: plain data, drawn afterwards."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..methods.channels import Array
from ..recipes.autoencoder import Outcome, as_input
from ..recipes.checkpoint import Epoch
from .layers import LayerFacts, layer_facts
from .machine import Machine, machine, versions

__all__ = ["Pictures", "RunFacts", "run_facts"]

SHOWN = 16
MOST_TIMED = 256
FRAMEWORKS = {"jax": ("jax", "jaxlib"), "torch": ("torch",), "tensorflow": ("tensorflow",)}


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A training and its result.

    Args:
        recipe: its name.
        source: where the images are from.
        images: how many there were to train on, to validate with, and to test with.
        settings: as they were in force.
        history: the epochs.
        test_loss: mean binary cross-entropy over the test images.
        parameters: numbers that the network learned.
        code: shape of what the encoder gives.
        layers: in order.
        gflops: useful floating-point operations a second in training, validation included, in 10^9.
        machine: where it was trained.
        versions: of everything that had a part.
        finished: date and time, ISO 8601.
    """

    recipe: str
    source: str
    images: tuple[int, int, int]
    settings: dict[str, Any]
    history: tuple[Epoch, ...]
    test_loss: float
    parameters: int
    code: tuple[int, ...]
    layers: tuple[LayerFacts, ...]
    gflops: float
    machine: Machine
    versions: dict[str, str]
    finished: str

    @property
    def seconds(self) -> float:
        """What all epochs took."""
        return sum(epoch.seconds for epoch in self.history)

    @property
    def images_per_second(self) -> float:
        """Training images a second, the validation's time included; the first epoch compiles, the best does not."""
        return self.images[0] / min(epoch.seconds for epoch in self.history)

    @property
    def code_numbers(self) -> int:
        """How many numbers the encoder gives for one image."""
        return math.prod(self.code)

    def json(self) -> str:
        """All of it, for programs."""
        layers = [{**asdict(layer), "gflops": layer.gflops} for layer in self.layers]
        plain = {**asdict(self), "layers": layers, "seconds": self.seconds, "images_per_second": self.images_per_second}
        return json.dumps(plain, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Test images and what became of them, uint8, shape `(K, 28, 28)` each: the first ones, and the worst ones."""

    first: tuple[Array, Array]
    worst: tuple[Array, Array]


def run_facts(outcome: Outcome) -> tuple[RunFacts, Pictures]:
    """Judge a finished training on its test images, and time its layers."""
    model, digits, settings = outcome.model, outcome.digits, outcome.settings
    test_loss = outcome.test_loss()
    layers = layer_facts(model, batch=min(settings.batch_size, MOST_TIMED))
    count = len(digits.train)
    validated = count // 5
    best = min(epoch.seconds for epoch in outcome.saved.history)
    plain = outcome.saved.settings
    facts = RunFacts(
        recipe=plain["recipe"],
        source=digits.source,
        images=(count - validated, validated, len(digits.test)),
        settings={name: value for name, value in plain.items() if name != "recipe"},
        history=outcome.saved.history,
        test_loss=test_loss,
        parameters=int(model.count_params()),
        code=layers[len(settings.filters) - 1].output,
        layers=layers,
        gflops=_work(layers, count - validated, validated) / best / 1e9,
        machine=machine(),
        versions=versions(("numpy", "keras", *FRAMEWORKS[settings.backend])),
        finished=datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
    )
    return facts, _pictures(model, digits.test, settings.batch_size)


def _work(layers: tuple[LayerFacts, ...], trained: int, validated: int) -> float:
    """Useful operations of one epoch: forward, both gradients, and no input gradient in the first layer."""
    each = [2 * (layer.multiply_adds or 0) for layer in layers]
    return trained * (3 * sum(each) - each[0]) + validated * sum(each)


def _pictures(model: Any, images: Array, batch: int) -> Pictures:
    out = np.concatenate([np.asarray(model.predict_on_batch(as_input(images[at : at + batch])))[..., 0]
                          for at in range(0, len(images), batch)])
    distance = np.square(out - as_input(images)[..., 0]).mean(axis=(1, 2))
    worst = np.argsort(-distance, kind="stable")[: SHOWN // 2]
    made = np.rint(out * 255).astype(np.uint8)
    return Pictures((images[:SHOWN], made[:SHOWN]), (images[worst], made[worst]))
