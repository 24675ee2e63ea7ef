"""Each layer of a Keras model: its geometry, what it costs, and how long it takes here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import Extent, cost, overlap
from ..recipes.problems import Shape, convolution, is_transposed, problem_of, settled

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
        input: shape without the batch; of the first one, where there are several.
        output: shape without the batch.
        parameters: numbers that it learns.
        geometry: None where the layer is no convolution.
        multiply_adds: useful ones for one example, exactly; None where they are not counted.
        batch: examples in the measurement.
        milliseconds: for one forward pass of the batch, the best of a few; its activation included.
    """

    name: str
    kind: str
    input: Shape
    output: Shape
    parameters: int
    geometry: Geometry | None
    multiply_adds: int | None
    batch: int
    milliseconds: float

    @property
    def gflops(self) -> float | None:
        """Useful floating-point operations a second, in 10^9, two for each multiply-add."""
        return None if self.multiply_adds is None else 2 * self.multiply_adds * self.batch / self.milliseconds / 1e6


def layer_facts(model: Any, *, batch: int, shape: Shape | None = None) -> tuple[LayerFacts, ...]:
    """All layers of a sequential or functional model, in order, timed on random numbers.

    Args:
        model: built.
        batch: examples in a measurement.
        shape: of one example, where the model leaves sizes open.
    """
    if None in tuple(model.inputs[0].shape[1:]):
        model = settled(model, shape)
    return tuple(_facts(layer, batch) for layer in model.layers if type(layer).__name__ != "InputLayer")


def _facts(layer: Any, batch: int) -> LayerFacts:
    several = isinstance(layer.input, list | tuple)
    taken = [tuple(part.shape[1:]) for part in (layer.input if several else [layer.input])]
    given = tuple(layer.output.shape[1:])
    inner = convolution(layer)
    # What resizes convolves on the finer grid.
    seen = (*given[:-1], taken[0][-1]) if hasattr(layer, "interpolation") else taken[0]
    problem = problem_of(inner, seen, given)
    geometry = multiply_adds = None
    if problem is not None:
        geometry = Geometry(problem.kernel, problem.stride, tuple(zip(problem.lo, problem.hi, strict=True)),
                            tuple(map(overlap, problem.axes)))
        ends = seen[-1], inner.filters
        multiply_adds = cost(problem, Extent(1, *(ends if is_transposed(inner) else ends[::-1]))).multiply_adds
    elif hasattr(layer, "kernel"):
        multiply_adds = math.prod(layer.kernel.shape)
    return LayerFacts(layer.name, type(layer).__name__, taken[0], given, int(layer.count_params()), geometry,
                      multiply_adds, batch, _milliseconds(layer, taken, batch, several))


def _milliseconds(layer: Any, taken: list[Shape], batch: int, several: bool) -> float:
    import keras

    ends = [keras.Input(shape) for shape in taken]
    alone = keras.Model(ends, layer(ends if several else ends[0]))
    draw = np.random.default_rng(0)
    numbers = [draw.random((batch, *shape), np.float32) for shape in taken]
    alone.predict_on_batch(numbers)
    best = math.inf
    for _ in range(REPEATS):
        began = time.perf_counter()
        alone.predict_on_batch(numbers)
        best = min(best, time.perf_counter() - began)
    return 1000 * best
