"""Keras layers that enlarge without parameters, and the two operations behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from ..errors import SettingError
from ..geometry import per_axis, whole
from ..resize import INTERPOLATIONS, matrix
from .spatial import Shape, Spatial

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D", "known_interpolation", "pixel_shuffle", "resize", "times"]


def resize(x: Any, size: Sequence[int], interpolation: str = "nearest") -> Any:
    """Enlarge each spatial axis of `x` `(N, *I, C)` by a whole factor, as Keras enlarges images on the backend in use.

    More or fewer axes than two are images of a kind: a line is one pixel high, and a volume is resized along its first
    axis and then, slice by slice, along the others. Where Keras has no Lanczos (on PyTorch) the weights are a matrix.
    """
    if interpolation == "nearest":
        for axis, factor in enumerate(size, start=1):
            x = ops.repeat(x, factor, axis=axis) if factor > 1 else x
        return x
    if keras.backend.backend() == "torch" and interpolation.startswith("lanczos"):
        for axis, factor in enumerate(size, start=1):
            weights = matrix(x.shape[axis], x.shape[axis] * factor, interpolation)
            x = ops.moveaxis(ops.tensordot(x, ops.convert_to_tensor(weights, x.dtype), ((axis,), (1,))), -1, axis)
        return x
    batch, *grid, channels = ops.shape(x)
    fine = [i * f for i, f in zip(grid, size, strict=True)]
    if len(grid) > 2:
        first = _image(ops.reshape(x, (batch, grid[0], _product(grid[1:]), channels)), (fine[0], _product(grid[1:])),
                       interpolation)
        rest = resize(ops.reshape(first, (batch * fine[0], *grid[1:], channels)), size[1:], interpolation)
        return ops.reshape(rest, (batch, *fine, channels))
    if len(grid) == 2:
        return _image(x, fine, interpolation)
    return ops.squeeze(_image(ops.expand_dims(x, 2), (*fine, 1), interpolation), 2)


def _image(x: Any, size: Sequence[Any], interpolation: str) -> Any:
    half = keras.backend.backend() == "tensorflow" and x.dtype in ("float16", "bfloat16")
    wide = ops.cast(x, "float32") if half else x  # TensorFlow has no gradients for half-wide images
    y = ops.image.resize(wide, tuple(size), interpolation=interpolation, data_format="channels_last")
    return ops.cast(y, x.dtype) if half else y


def _product(sizes: Sequence[Any]) -> Any:
    """Of whole numbers, or of a backend's scalars where sizes are known at run time only."""
    return math.prod(sizes[1:], start=sizes[0])


def pixel_shuffle(x: Any, size: Sequence[int], order: str = "DCR") -> Any:
    """Deal the channels of `x` `(N, *I, prod(size) * C)` out over blocks of cells: `(N, *I * size, C)`."""
    batch, *grid, depth = ops.shape(x)
    rank, channels = len(size), depth // math.prod(size)
    split = (*size, channels) if order == "DCR" else (channels, *size)
    cells = ops.reshape(x, (batch, *grid, *split))
    if order == "CRD":
        cells = ops.moveaxis(cells, rank + 1, -1)
    places = [axis for i in range(1, rank + 1) for axis in (i, rank + i)]
    cells = ops.transpose(cells, (0, *places, 2 * rank + 1))
    return ops.reshape(cells, (batch, *(i * f for i, f in zip(grid, size, strict=True)), channels))


def times(grid: Sequence[int | None], size: Sequence[int]) -> list[int | None]:
    """A grid enlarged by a factor on each axis; sizes that are not known stay so."""
    return [None if i is None else i * f for i, f in zip(grid, size, strict=True)]


def known_interpolation(where: str, interpolation: str) -> str:
    """The name of an interpolation in small letters, or a `SettingError`."""
    if str(interpolation).lower() not in INTERPOLATIONS:
        raise SettingError(f"{where}: interpolation is {interpolation!r}, but has to be one of "
                           f"{', '.join(INTERPOLATIONS)}.")
    return interpolation.lower()


class _UpSampling(Spatial):
    rank: ClassVar[int]

    def __init__(self, size: int | Sequence[int] = 2, data_format: str | None = None, interpolation: str = "nearest",
                 **options: Any):
        super().__init__(data_format, **options)
        where = type(self).__name__
        self._size = tuple(whole(where, "size", each, 1) for each in per_axis(where, "size", size, self.rank))
        self.size = self._size[0] if self.rank == 1 else self._size
        self.interpolation = known_interpolation(where, interpolation)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return self._back(resize(self._last(inputs), self._size, self.interpolation))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        return self._shape(input_shape, times(self._grid(input_shape), self._size))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "interpolation": self.interpolation}


@keras.saving.register_keras_serializable(package="tconv")
class UpSampling1D(_UpSampling):
    """`keras.layers.UpSampling1D`, with every interpolation and both data formats.

    Args:
        size: samples that each sample becomes, >= 1.
        data_format: `channels_last` or `channels_first`; by default Keras' own setting.
        interpolation: `nearest`, `bilinear` (here: linear), `bicubic`, `lanczos3` or `lanczos5`.
    """

    rank = 1


@keras.saving.register_keras_serializable(package="tconv")
class UpSampling2D(_UpSampling):
    """`keras.layers.UpSampling2D`, with every interpolation on every backend.

    Args:
        size: factors for rows and columns, >= 1; `(2, 3)` doubles the rows and triples the columns.
        data_format: `channels_last` or `channels_first`; by default Keras' own setting.
        interpolation: `nearest`, `bilinear`, `bicubic`, `lanczos3` or `lanczos5`.
    """

    rank = 2


@keras.saving.register_keras_serializable(package="tconv")
class UpSampling3D(_UpSampling):
    """`keras.layers.UpSampling3D`, with every interpolation.

    Args:
        size: factors for the three axes, >= 1.
        data_format: `channels_last` or `channels_first`; by default Keras' own setting.
        interpolation: `nearest`, `bilinear` (here: trilinear), `bicubic`, `lanczos3` or `lanczos5`.
    """

    rank = 3
