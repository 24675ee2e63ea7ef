"""Whole training steps: two networks as data, their first weights and their examples, the same for every framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..geometry import Cost, Extent, Problem, Spec, cost, problem_from_coarse, problem_from_fine
from ..methods.channels import Array
from .cases import rounded

__all__ = ["ADAM_EPSILON", "EPSILON", "NETWORKS", "RATE", "STEP", "Network", "Stage", "Step", "examples", "weights"]

STEP = "training step"
RATE = 1e-3
ADAM_EPSILON = 1e-12  # so small that Keras' place for it in the formula, another than PyTorch's, makes no difference
EPSILON = 1e-5  # of the batch's variance
STEPS_COMPARED = 2  # the second loss comes out of the first step's gradients


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer of a network, and what follows it.

    Args:
        transposed: which of both layers.
        channels: that it gives.
        kernel, stride, padding: the same on both axes; the padding in PyTorch's sense, in Keras' 'same' if it is not 0.
        norm: whether the batch is normalised after it; it has no bias then.
        activation: at the end.
    """

    transposed: bool
    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    norm: bool = False
    activation: str = "relu"


@dataclass(frozen=True, slots=True)
class Network:
    """A network to train.

    Args:
        name: in tables.
        sizes: `(*I, C)` of one example.
        batch: examples a step.
        stages: in order.
        loss: "binary_crossentropy" or "mean_squared_error".
        itself: whether the network is to give what it gets; otherwise, other images.
    """

    name: str
    sizes: tuple[int, int, int]
    batch: int
    stages: tuple[Stage, ...]
    loss: str
    itself: bool

    def problems(self) -> Iterator[tuple[Problem, Extent]]:
        """Each layer's problem."""
        grid: tuple[int, ...] = self.sizes[:2]
        counts = (self.sizes[2], *(stage.channels for stage in self.stages))
        for stage, (taken, given) in zip(self.stages, pairwise(counts), strict=True):
            spec = Spec.of((stage.kernel,) * 2, stride=stage.stride, crop=stage.padding)
            problem = problem_from_coarse(spec, grid) if stage.transposed else problem_from_fine(spec, grid)
            yield problem, Extent(self.batch, *((taken, given) if stage.transposed else (given, taken)))
            grid = problem.fine if stage.transposed else problem.coarse

    @property
    def multiply_adds(self) -> int:
        """Of a step: forward and both gradients, but for the first layer's input, which has none."""
        each = [cost(*pair).multiply_adds for pair in self.problems()]
        return 3 * sum(each) - each[0]


NETWORKS = {network.name: network for network in (
    Network("mnist-autoencoder", (28, 28, 1), 1000, (
        *(Stage(False, count, 3) for count in (32, 16, 8)), *(Stage(True, count, 3) for count in (8, 16, 32)),
        Stage(False, 1, 3, padding=1, activation="sigmoid")), "binary_crossentropy", itself=True),
    Network("dcgan-generator", (1, 1, 100), 32, (
        Stage(True, 512, 4, norm=True), *(Stage(True, count, 4, 2, 1, norm=True) for count in (256, 128, 64)),
        Stage(True, 3, 4, 2, 1, activation="tanh")), "mean_squared_error", itself=False),
)}


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement: a training step of a network, in a dtype, on so many threads."""

    network: Network
    dtype: str
    threads: int
    compared: int = STEPS_COMPARED
    passing: str = STEP

    @property
    def name(self) -> str:
        """The network's."""
        return self.network.name

    @property
    def cost(self) -> Cost:
        """Its multiply-adds; what bytes have to be touched depends on what a framework fuses."""
        return Cost(self.network.multiply_adds, 0, 0, sum(array.size for array in weights(self.network)))

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"network": self.name, "batch": self.network.batch, "dtype": self.dtype, "threads": self.threads}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Step:
        """From what `plain` gave, through JSON."""
        from dataclasses import replace

        network = replace(NETWORKS[plain["network"]], batch=plain["batch"])
        return cls(network, plain["dtype"], plain["threads"])


def weights(network: Network) -> tuple[Array, ...]:
    """Each layer's first kernel, `(*K, fine channels, coarse channels)`, as Keras has it for both layers."""
    rng = np.random.default_rng(0)
    shapes = [(*problem.kernel, extent.fine_channels, extent.coarse_channels) for problem, extent in network.problems()]
    return tuple(rng.standard_normal(shape, np.float32) * np.float32((shape[0] * shape[1] * shape[3]) ** -0.5)
                 for shape in shapes)


def examples(network: Network) -> tuple[Array, Array]:
    """A batch, and what is to come of it, channels-last, numbers that bfloat16 has, too."""
    rng = np.random.default_rng(1)
    x = rounded(rng.random((network.batch, *network.sizes), np.float32))
    if network.itself:
        return x, x
    *_, (problem, extent) = network.problems()
    return x, rounded(rng.random((network.batch, *problem.fine, extent.fine_channels), np.float32))
