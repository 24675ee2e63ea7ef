"""Keras layers that enlarge and convolve: resize first, or convolve first and shuffle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import keras

from ..errors import SettingError, ShapeError
from ..geometry import per_axis, whole
from ..resize import ORDERS
from .convolution import Conv1D, Conv2D, Conv3D
from .initializers import ICNR
from .spatial import Shape, Spatial
from .upsampling import known_interpolation, pixel_shuffle, resize, times

__all__ = ["ResizeConv", "SubpixelConv"]

_CONVOLUTIONS = {1: Conv1D, 2: Conv2D, 3: Conv3D}


class _WithConvolution(Spatial):
    """A layer around a convolution of its own, which is made when the input's rank is known."""

    settings: ClassVar[dict[str, Any]] = {
        "padding": "same", "dilation_rate": 1, "groups": 1, "activation": None, "use_bias": True,
        "kernel_initializer": "glorot_uniform", "bias_initializer": "zeros", "kernel_regularizer": None,
        "bias_regularizer": None, "kernel_constraint": None, "bias_constraint": None,
    }

    def __init__(self, filters: int, kernel_size: int | Sequence[int], size: int | Sequence[int] = 2,
                 data_format: str | None = None, **options: Any):
        self._options = {name: options.pop(name, default) for name, default in self.settings.items()}
        super().__init__(data_format, **options)
        where = type(self).__name__
        self.filters, self.kernel_size = whole(where, "filters", filters, 1), kernel_size
        self.size = tuple(size) if isinstance(size, Sequence) else whole(where, "size", size, 1)
        self.convolution: Any = None

    def _sizes(self, shape: Shape) -> tuple[int, ...]:
        where, rank = type(self).__name__, len(self._grid(shape))
        return tuple(whole(where, "size", each, 1) for each in per_axis(where, "size", self.size, rank))

    def _inner(self, shape: Shape, filters: int, **options: Any) -> Any:
        """The convolution for inputs of this shape: the one that is built, or else a new one."""
        if self.convolution is not None:
            return self.convolution
        rank = len(self._grid(shape))
        if rank not in _CONVOLUTIONS:
            raise ShapeError(f"{type(self).__name__}: the input has shape {tuple(shape)}, {rank} spatial axes; there "
                             "are convolutions for one to three.")
        own = {"data_format": self.data_format, "dtype": self.dtype_policy, "name": "convolution"}
        return _CONVOLUTIONS[rank](filters, self.kernel_size, **own, **{**self._options, **options})

    def get_config(self) -> dict[str, Any]:
        options = {name: keras.saving.serialize_keras_object(value) for name, value in self._options.items()}
        own = {"filters": self.filters, "kernel_size": self.kernel_size, "size": self.size}
        return {**super().get_config(), **own, **options}


@keras.saving.register_keras_serializable(package="tconv")
class ResizeConv(_WithConvolution):
    """Resize, then convolve: enlarges without a checkerboard, whatever the kernel.

    With `nearest` it equals one transposed convolution: `tconv.resize.resize_conv_as_transposed`.

    Args:
        filters: channels of the result.
        kernel_size: taps, one number or one for each axis.
        size: factor, one number or one for each axis.
        data_format: `channels_last` or `channels_first`; by default Keras' own setting.
        interpolation: as in `UpSampling2D`.
        **options: of `Conv1D`, `Conv2D` or `Conv3D` except `strides`; `padding` is `same` by default.
    """

    def __init__(self, filters: int, kernel_size: int | Sequence[int], size: int | Sequence[int] = 2,
                 data_format: str | None = None, interpolation: str = "nearest", **options: Any):
        super().__init__(filters, kernel_size, size, data_format, **options)
        self.interpolation = known_interpolation("ResizeConv", interpolation)

    def _resized(self, shape: Shape) -> tuple[int | None, ...]:
        return self._shape(shape, times(self._grid(shape), self._sizes(shape)))

    def build(self, input_shape: Shape) -> None:
        self.convolution = self._inner(input_shape, self.filters)
        self.convolution.build(self._resized(input_shape))

    def call(self, inputs: Any) -> Any:
        enlarged = resize(self._last(inputs), self._sizes(inputs.shape), self.interpolation)
        return self.convolution(self._back(enlarged))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        return self._inner(input_shape, self.filters).compute_output_shape(self._resized(input_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


@keras.saving.register_keras_serializable(package="tconv")
class SubpixelConv(_WithConvolution):
    """Convolve to a block of values for each cell, then deal the block out over the finer grid (pixel shuffle).

    It starts as a small convolution followed by `nearest`, so without a checkerboard, unless another kernel initialiser
    is given (Shi et al. 2016; Aitken et al. 2017).

    Args:
        filters: channels of the result; the convolution has `filters * prod(size)`.
        kernel_size: taps, one number or one for each axis.
        size: factor, one number or one for each axis.
        data_format: `channels_last` or `channels_first`; by default Keras' own setting.
        order: of the convolution's channels: `DCR` (TensorFlow's) or `CRD` (PyTorch's).
        kernel_initializer: by default `ICNR(size, "glorot_uniform", order)`.
        **options: of `Conv1D`, `Conv2D` or `Conv3D` except `strides`; `padding` is `same` by default.
    """

    settings: ClassVar[dict[str, Any]] = {**_WithConvolution.settings, "kernel_initializer": None}

    def __init__(self, filters: int, kernel_size: int | Sequence[int], size: int | Sequence[int] = 2,
                 data_format: str | None = None, order: str = "DCR", **options: Any):
        super().__init__(filters, kernel_size, size, data_format, **options)
        if order not in ORDERS:
            raise SettingError(f"SubpixelConv: order is {order!r}, but has to be one of {', '.join(ORDERS)}.")
        self.order = order

    def _packed(self, shape: Shape) -> Any:
        initializer = self._options["kernel_initializer"]
        if initializer is None:
            initializer = ICNR(self.size, order=self.order)
        return self._inner(shape, self.filters * math.prod(self._sizes(shape)), kernel_initializer=initializer)

    def build(self, input_shape: Shape) -> None:
        self.convolution = self._packed(input_shape)
        self.convolution.build(input_shape)

    def call(self, inputs: Any) -> Any:
        packed = self._last(self.convolution(inputs))
        return self._back(pixel_shuffle(packed, self._sizes(inputs.shape), self.order))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        packed = self._packed(input_shape).compute_output_shape(input_shape)
        return self._shape(packed, times(self._grid(packed), self._sizes(input_shape)), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "order": self.order}
