"""Each layer of a Keras model: its geometry, what it costs, and how long it takes here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..conventions import keras as convention
from ..geometry import Extent, Problem, cost, overlap

__all__ = ["Geometry", "LayerFacts", "layer_facts"]

REPEATS = 3


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a convolution joins its grids; `crop` is a plain convolution's padding, pairs `(lo, hi)`."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    overlap: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer.

    Args:
        name: in the model.
        kind: the layer's class.
        input: shape without the batch.
        output: shape without the batch.
        parameters: numbers that it learns.
        geometry: None where the layer is no convolution.
        multiply_adds: useful ones for one image, exactly; None where they are not counted.
        batch: images in the measurement.
        milliseconds: for one forward pass of the batch, the best of a few; its activation included.
    """

    name: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int
    geometry: Geometry | None
    multiply_adds: int | None
    batch: int
    milliseconds: float

    @property
    def gflops(self) -> float | None:
        """Useful floating-point operations a second, in 10^9, two for each multiply-add."""
        return None if self.multiply_adds is None else 2 * self.multiply_adds * self.batch / self.milliseconds / 1e6


def layer_facts(model: Any, *, batch: int) -> tuple[LayerFacts, ...]:
    """All layers of a sequential model, timed on this many random images."""
    return tuple(_facts(layer, batch) for layer in model.layers)


def _facts(layer: Any, batch: int) -> LayerFacts:
    shapes = tuple(layer.input.shape[1:]), tuple(layer.output.shape[1:])
    problem = _problem(layer, *shapes)
    geometry = multiply_adds = None
    if problem is not None:
        geometry = Geometry(problem.kernel, problem.stride, tuple(zip(problem.lo, problem.hi, strict=True)),
                            tuple(map(overlap, problem.axes)))
        coarse, fine = shapes if _transposed(layer) else shapes[::-1]
        multiply_adds = cost(problem, Extent(1, coarse[-1], fine[-1])).multiply_adds
    elif hasattr(layer, "kernel"):
        multiply_adds = math.prod(layer.kernel.shape)
    return LayerFacts(layer.name, type(layer).__name__, *shapes, int(layer.count_params()), geometry, multiply_adds,
                      batch, _milliseconds(layer, shapes[0], batch))


def _transposed(layer: Any) -> bool:
    return type(layer).__name__.endswith("Transpose")


def _problem(layer: Any, taken: tuple[int, ...], given: tuple[int, ...]) -> Problem | None:
    if not hasattr(layer, "kernel_size"):
        return None
    setting = {"kernel_size": layer.kernel_size, "strides": layer.strides, "padding": layer.padding,
               "dilation_rate": layer.dilation_rate, "groups": getattr(layer, "groups", 1)}
    if not _transposed(layer):
        return convention.conv_problem(**setting, fine=taken[:-1])
    return convention.transposed_problem(**setting, output_padding=layer.output_padding, coarse=taken[:-1],
                                         output_size=None if layer.output_padding is not None else given[:-1])


def _milliseconds(layer: Any, taken: tuple[int, ...], batch: int) -> float:
    import keras

    alone = keras.Sequential([keras.Input(taken), layer])
    images = np.random.default_rng(0).random((batch, *taken), np.float32)
    alone.predict_on_batch(images)
    best = math.inf
    for _ in range(REPEATS):
        began = time.perf_counter()
        alone.predict_on_batch(images)
        best = min(best, time.perf_counter() - began)
    return 1000 * best
