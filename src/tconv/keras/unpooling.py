"""Max pooling that remembers where each maximum stood, and unpooling that puts values back there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ..errors import SettingError, ShapeError
from ..geometry import per_axis, whole
from .spatial import Shape, Spatial

__all__ = ["MaxPoolingWithIndices", "MaxUnpooling", "max_pool_with_indices", "max_unpool"]


def max_pool_with_indices(
    x: Any, pool_size: Sequence[int], strides: Sequence[int], padding: str = "valid"
) -> tuple[Any, Any]:
    """The largest value of each window, and the place that it stands at; of equal values the first.

    Args:
        x: shape `(N, *I, C)`.
        pool_size: cells per axis.
        strides: cells per axis from one window to the next.
        padding: `valid` or `same`, as in Keras; cells beyond the edges are never chosen.

    Returns:
        Values and int32 places, both `(N, *O, C)`. A place is a flat index into the grid `I`, channel by channel, as in
        PyTorch; the gradient goes to that place alone.
    """
    grid = ops.shape(x)[1:-1]
    rows = zip(grid, pool_size, strides, strict=True)
    before, after, windows = zip(*(_windows(*row, padding) for row in rows), strict=True)
    if padding == "same":
        dtype = keras.backend.standardize_dtype(x.dtype)
        lowest = float("-inf") if keras.backend.is_float_dtype(dtype) else np.iinfo(dtype).min
        x = ops.pad(x, ((0, 0), *zip(before, after, strict=True), (0, 0)), constant_values=lowest)
    taps = list(np.ndindex(*pool_size))
    cells = ops.stack([_cells(x, tap, strides, windows) for tap in taps], axis=-1)
    winner = ops.argmax(cells, axis=-1)
    values = ops.squeeze(ops.take_along_axis(cells, ops.expand_dims(winner, -1), axis=-1), -1)
    places = 0
    for axis, size in enumerate(grid):
        tap = ops.take(ops.convert_to_tensor([tap[axis] for tap in taps], "int32"), winner)
        start = ops.arange(windows[axis], dtype="int32") * strides[axis] - before[axis]
        places = places * size + tap + ops.reshape(start, (-1,) + (1,) * (len(grid) - axis))
    return values, ops.cast(places, "int32")


def _windows(size: Any, pool: int, stride: int, padding: str) -> tuple[Any, Any, Any]:
    """Cells to add before and after an axis, and how many windows it holds."""
    if padding == "valid":
        return 0, 0, (size - pool) // stride + 1
    windows = -(-size // stride)
    missing = (windows - 1) * stride + pool - size
    missing = max(missing, 0) if isinstance(missing, int) else ops.maximum(missing, 0)
    return missing // 2, missing - missing // 2, windows


def _cells(x: Any, tap: Sequence[int], strides: Sequence[int], windows: Sequence[Any]) -> Any:
    """The cell at one place of every window."""
    rows = zip(tap, strides, windows, strict=True)
    return x[(slice(None), *(slice(t, t + (count - 1) * s + 1, s) for t, s, count in rows))]


def max_unpool(x: Any, places: Any, grid: Sequence[Any]) -> Any:
    """Put each value of `x` `(N, *I, C)` at its place, a flat index into `grid`, on a ground of zeros: `(N, *grid, C)`.

    Values with the same place are added, in whatever order: so this is the transpose of picking values out by place.
    PyTorch keeps one of them. They differ only where windows overlap and share their maximum.
    """
    batch, channels = ops.shape(x)[0], ops.shape(x)[-1]
    place = ops.reshape(ops.cast(places, "int32"), (batch, -1, channels))
    image = ops.zeros_like(place) + ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1))
    channel = ops.zeros_like(place) + ops.arange(channels, dtype="int32")
    indices = ops.reshape(ops.stack([image, place, channel], axis=-1), (-1, 3))
    ground = ops.zeros((batch, math.prod(grid), channels), dtype=x.dtype)
    fine = ops.scatter_update(ground, indices, ops.reshape(x, (-1,)), reduction="add")
    return ops.reshape(fine, (batch, *grid, channels))


class _Windowed(Spatial):
    """A layer with the settings of a Keras pooling layer."""

    def __init__(self, pool_size: int | Sequence[int] = 2, strides: int | Sequence[int] | None = None,
                 padding: str = "valid", data_format: str | None = None, **options: Any):
        super().__init__(data_format, **options)
        if padding not in ("valid", "same"):
            raise SettingError(f"{type(self).__name__}: padding is {padding!r}, but has to be valid or same.")
        self.pool_size, self.strides, self.padding = pool_size, pool_size if strides is None else strides, padding

    def _window(self, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        pairs = (("pool_size", self.pool_size), ("strides", self.strides))
        where = type(self).__name__
        pool, strides = (tuple(whole(where, name, each, 1) for each in per_axis(where, name, value, rank))
                         for name, value in pairs)
        return pool, strides

    def get_config(self) -> dict[str, Any]:
        own = {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="tconv")
class MaxPoolingWithIndices(_Windowed):
    """Keras' max pooling, in any number of dimensions, that also tells where each maximum stood.

    Called on `x`, it gives `values, places`: hand `places` to `MaxUnpooling`.

    Args:
        pool_size: cells of a window, one number or one for each axis.
        strides: cells from one window to the next; by default the pool size.
        padding: `valid` or `same`.
        data_format: `channels_last` or `channels_first`; by default Keras' own setting.
    """

    def call(self, inputs: Any) -> tuple[Any, Any]:
        self.compute_output_shape(inputs.shape)  # refuses a window that is too large
        pool, strides = self._window(len(self._grid(inputs.shape)))
        values, places = max_pool_with_indices(self._last(inputs), pool, strides, self.padding)
        return self._back(values), self._back(places)

    def compute_output_shape(self, input_shape: Shape) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        grid = self._grid(input_shape)
        rows = zip(grid, *self._window(len(grid)), strict=True)
        sizes = [None if size is None else _windows(size, pool, stride, self.padding)[2] for size, pool, stride in rows]
        if any(size is not None and size < 1 for size in sizes):
            raise ShapeError(f"MaxPoolingWithIndices: a window of pool_size={self.pool_size} does not fit into an "
                             f"input of shape {tuple(input_shape)}; take a smaller one, or padding='same'.")
        shape = self._shape(input_shape, sizes)
        return shape, shape

    def compute_output_spec(self, inputs: Any) -> tuple[Any, Any]:
        values, places = self.compute_output_shape(inputs.shape)
        dtype = self.compute_dtype if keras.backend.is_float_dtype(inputs.dtype) else inputs.dtype
        return keras.KerasTensor(values, dtype=dtype), keras.KerasTensor(places, dtype="int32")


@keras.saving.register_keras_serializable(package="tconv")
class MaxUnpooling(_Windowed):
    """Put values back where `MaxPoolingWithIndices` found its maxima, zeros elsewhere; in any number of dimensions.

    Called on `values, places`. Values that share a place (windows that overlap) are added; PyTorch keeps one of them.

    Args:
        pool_size, strides, padding, data_format: those of the pooling layer.
        output_size: the pooling layer's input sizes, one for each axis, where they are not
            `(I - 1) * strides + pool_size` (`I * strides` with `same`): several sizes are pooled to one.
    """

    def __init__(self, pool_size: int | Sequence[int] = 2, strides: int | Sequence[int] | None = None,
                 padding: str = "valid", data_format: str | None = None, output_size: Sequence[int] | None = None,
                 **options: Any):
        super().__init__(pool_size, strides, padding, data_format, **options)
        self.output_size = None if output_size is None else tuple(
            whole("MaxUnpooling", "output_size", size, 1) for size in output_size)

    def _fine(self, grid: Sequence[Any]) -> list[Any]:
        pool, strides = self._window(len(grid))
        if self.output_size is not None:
            return list(per_axis("MaxUnpooling", "output_size", self.output_size, len(grid)))
        ends = [s if self.padding == "same" else p for p, s in zip(pool, strides, strict=True)]
        return [None if i is None else (i - 1) * s + end for i, s, end in zip(grid, strides, ends, strict=True)]

    def call(self, inputs: Any, indices: Any) -> Any:
        if tuple(inputs.shape) != tuple(indices.shape):
            raise ShapeError(f"MaxUnpooling: the values have shape {tuple(inputs.shape)}, the places "
                             f"{tuple(indices.shape)}; they have to be the same.")
        x = self._last(inputs)
        return self._back(max_unpool(x, self._last(indices), self._fine(ops.shape(x)[1:-1])))

    def compute_output_shape(self, inputs_shape: Shape, indices_shape: Shape) -> tuple[int | None, ...]:
        return self._shape(inputs_shape, self._fine(self._grid(inputs_shape)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size}
