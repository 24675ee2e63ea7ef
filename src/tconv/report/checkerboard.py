"""What each layer that enlarges makes of a flat input after the training: the checkerboard that its kernels bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diagnose import gains, shuffle_gains, unevenness
from ..geometry import Spec, overlap
from ..methods.channels import Array
from ..recipes.problems import convolution, is_transposed

__all__ = ["Enlarging", "enlarging"]


@dataclass(frozen=True, slots=True)
class Enlarging:
    """One layer that enlarges.

    Args:
        name: in the model.
        kind: the layer's class.
        factor: for each axis.
        overlap: taps that meet in each phase, for each axis; empty where the layer cannot overlap unevenly.
        unevenness: of its kernel as trained: the energy that tells phases of a flat input's result apart, over that
            which they share. 0 is even.
    """

    name: str
    kind: str
    factor: tuple[int, ...]
    overlap: tuple[tuple[int, ...], ...]
    unevenness: float


def enlarging(model: Any) -> tuple[Enlarging, ...]:
    """The layers of a Keras model that enlarge, in order."""
    return tuple(found for layer in model.layers if (found := _looked_at(layer)) is not None)


def _looked_at(layer: Any) -> Enlarging | None:
    kind = type(layer).__name__
    if is_transposed(layer) and hasattr(layer, "kernel_size"):
        spec = Spec.of(layer.kernel_size, stride=layer.strides, dilation=layer.dilation_rate,
                       groups=getattr(layer, "groups", 1))
        # A grid of one cell is made large by any kernel: its phases are places, and may differ.
        alone = all(size == 1 for size in layer.input.shape[1:-1])
        if max(layer.strides) == 1 or alone:
            return None
        return Enlarging(layer.name, kind, tuple(layer.strides), tuple(map(overlap, spec.axes)),
                         unevenness(gains(_kernel(layer), spec), spec.rank))
    if kind == "SubpixelConv":
        kernel = _kernel(convolution(layer))
        found = shuffle_gains(kernel, layer.size, order=layer.order)
        return Enlarging(layer.name, kind, found.shape[:-2], (), unevenness(found, found.ndim - 2))
    if kind == "ResizeConv":
        rank = convolution(layer).rank
        factor = tuple(layer.size) if isinstance(layer.size, tuple | list) else (layer.size,) * rank
        return Enlarging(layer.name, kind, factor, (), 0.0)
    return None


def _kernel(layer: Any) -> Array:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(layer.kernel))
