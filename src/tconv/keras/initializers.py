"""Initial kernels for Keras layers: free of checkerboards, interpolating, or with the true fan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .. import initialize
from ..errors import SettingError
from ..geometry import per_axis, whole
from ..resize import ORDERS

__all__ = ["ICNR", "Bilinear", "ICNRTransposed", "PhaseVarianceScaling"]

Size = int | Sequence[int]


def _per_axis(where: str, name: str, value: Size) -> int | tuple[int, ...]:
    """One whole number >= 1 for all axes, or a tuple of them; how many axes there are is known at the call."""
    if isinstance(value, Sequence):
        return tuple(whole(where, name, each, 1) for each in value)
    return whole(where, name, value, 1)


@keras.saving.register_keras_serializable(package="tconv")
class ICNR(keras.initializers.Initializer):
    """For a convolution before a pixel shuffle: every place in a block starts with the same taps.

    Args:
        size: cells that one cell becomes, one number or one for each axis.
        initializer: draws the small kernel.
        order: of the shuffle's channels, a name in `tconv.resize.ORDERS`.
    """

    def __init__(self, size: Size = 2, initializer: Any = "glorot_uniform", order: str = "DCR"):
        self.size = _per_axis("ICNR", "size", size)
        self.initializer = keras.initializers.get(initializer)
        if order not in ORDERS:
            raise SettingError(f"ICNR: order is {order!r}, but has to be one of {', '.join(ORDERS)}.")
        self.order = order

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        block = math.prod(per_axis("ICNR", "size", self.size, len(shape) - 2))
        channels, rest = divmod(shape[-1], block)
        if rest:
            raise SettingError(f"ICNR: {shape[-1]} channels (last axis of {tuple(shape)}) do not fill blocks of "
                               f"{block} (size={self.size}); give a multiple of {block}.")
        small = self.initializer((*shape[:-1], channels), dtype=dtype)
        if self.order == "CRD":
            return ops.repeat(small, block, axis=-1)
        return ops.tile(small, (1,) * (len(shape) - 1) + (block,))

    def get_config(self) -> dict[str, Any]:
        initializer = keras.saving.serialize_keras_object(self.initializer)
        return {"size": self.size, "initializer": initializer, "order": self.order}


@keras.saving.register_keras_serializable(package="tconv")
class ICNRTransposed(keras.initializers.Initializer):
    """For a transposed convolution: each tap of a small kernel repeated `strides` times, so no checkerboard at first.

    Args:
        strides: the layer's; they have to divide its kernel size.
        initializer: draws the small kernel.
    """

    def __init__(self, strides: Size = 2, initializer: Any = "glorot_uniform"):
        self.strides = _per_axis("ICNRTransposed", "strides", strides)
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        strides = per_axis("ICNRTransposed", "strides", self.strides, len(shape) - 2)
        taps = tuple(shape[:-2])
        small = [-(-k // s) for k, s in zip(taps, strides, strict=True)]
        whole_taps = tuple(k * s for k, s in zip(small, strides, strict=True))
        if taps != whole_taps:
            raise SettingError(f"ICNRTransposed: a kernel of {taps} taps is no multiple of strides={strides}; take a "
                               f"kernel size of {whole_taps}.")
        kernel = self.initializer((*small, *shape[-2:]), dtype=dtype)
        for axis, stride in enumerate(strides):
            kernel = ops.repeat(kernel, stride, axis=axis)
        return kernel

    def get_config(self) -> dict[str, Any]:
        return {"strides": self.strides, "initializer": keras.saving.serialize_keras_object(self.initializer)}


@keras.saving.register_keras_serializable(package="tconv")
class Bilinear(keras.initializers.Initializer):
    """For a transposed convolution with as many filters as channels: linear interpolation of each channel."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        *taps, rows, channels = shape
        if channels % rows:
            raise SettingError(f"Bilinear: a kernel of shape {tuple(shape)} leads from {channels} channels to others; "
                               "take as many filters as channels.")
        kernel = initialize.bilinear(taps, channels, groups=channels // rows)
        return ops.convert_to_tensor(kernel, dtype=dtype)


@keras.saving.register_keras_serializable(package="tconv")
class PhaseVarianceScaling(keras.initializers.Initializer):
    """`VarianceScaling` for a transposed convolution, with the fan that its outputs really have: the taps of one phase.

    Args:
        strides: the layer's, one number or one for each axis.
        scale: the wanted ratio of the result's variance to the input's; 2 before a ReLU.
        mode: `fan_in`, `fan_out` or `fan_avg`.
        distribution: `truncated_normal`, `untruncated_normal` or `uniform`, as in Keras.
        groups: the layer's.
        seed: a whole number, or a `keras.random.SeedGenerator`.
    """

    def __init__(self, strides: Size = 2, scale: float = 1.0, mode: str = "fan_in",
                 distribution: str = "truncated_normal", groups: int = 1, seed: Any = None):
        self.strides = _per_axis("PhaseVarianceScaling", "strides", strides)
        self.groups = whole("PhaseVarianceScaling", "groups", groups, 1)
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.variance = keras.initializers.VarianceScaling(scale, "fan_in", distribution, seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        fan = initialize.fan(shape, self.mode, stride=self.strides, groups=self.groups)
        keras_fan = math.prod(shape[:-1])
        return self.variance(shape, dtype=dtype) * math.sqrt(keras_fan / fan)

    def get_config(self) -> dict[str, Any]:
        seed = keras.saving.serialize_keras_object(self.seed)
        return {"strides": self.strides, "scale": self.scale, "mode": self.mode, "distribution": self.distribution,
                "groups": self.groups, "seed": seed}

