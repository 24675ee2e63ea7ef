"""What both kinds of layers add to Keras' own: padding in numbers, strides with dilation, and who computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from ..conventions.crops import pairs
from ..errors import ShapeError
from ..geometry import per_axis, whole

__all__ = ["ANY", "REMEMBERED", "DropIn", "settled"]

Sizes = tuple[int | None, ...]

ANY = 2**24  # stands in for a size that is not known, on an axis whose result is not looked at
REMEMBERED = 4096  # problems, one for each combination of settings and sizes; making one takes as long as a small layer

# A mixin goes before one of Keras' layers; to a type checker it is one.
Layer: Any = keras.layers.Layer if TYPE_CHECKING else object


class DropIn(Layer):
    """A layer with Keras' variables and config, whose arithmetic is done elsewhere."""

    def __init__(self, filters: int, kernel_size: Any, *, padding: Any, dilation_rate: Any, **options: Any):
        named = isinstance(padding, str)
        super().__init__(filters, kernel_size, padding=padding if named else "valid", dilation_rate=1, **options)
        where = type(self).__name__
        rates = per_axis(where, "dilation_rate", dilation_rate, self.rank)
        self.dilation_rate = tuple(whole(where, "dilation_rate", rate, 1) for rate in rates)
        if not named:
            self.padding = _pairs(where, padding, self.rank)

    def _settings(self) -> dict[str, Any]:
        """What both kinds tell the convention."""
        return {"kernel_size": self.kernel_size, "strides": self.strides, "padding": self.padding,
                "dilation_rate": self.dilation_rate, "groups": self.groups}

    @property
    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def _grid(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """The spatial sizes of an input of this shape."""
        if len(shape) != self.rank + 2:
            raise ShapeError(f"{type(self).__name__}: the input has shape {tuple(shape)}, but has to have a batch, "
                             f"{self.rank} sizes and channels.")
        return tuple(shape[2:] if self._first else shape[1:-1])

    def _operands(self, inputs: Any) -> tuple[Any, Any]:
        """The input with its channels last, and the kernel, of one dtype."""
        kernel = ops.convert_to_tensor(self.kernel)
        x = ops.convert_to_tensor(inputs, keras.backend.standardize_dtype(kernel.dtype))
        return (ops.moveaxis(x, 1, -1) if self._first else x), kernel

    def _finished(self, outputs: Any) -> Any:
        """The bias, channels where they belong, the activation.

        In this order, because on TensorFlow Keras adds a bias for channels-first arrays to the columns if there are as
        many of them as channels.
        """
        outputs = ops.add(outputs, self.bias) if self.use_bias else outputs
        outputs = ops.moveaxis(outputs, -1, 1) if self._first else outputs
        return outputs if self.activation is None else self.activation(outputs)

    def _shape(self, shape: Sequence[Any], grid: Sequence[Any]) -> Sizes:
        """The output's shape around another grid."""
        return (shape[0], self.filters, *grid) if self._first else (shape[0], *grid, self.filters)


def settled(x: Any) -> bool:
    """Whether an array's sizes are numbers by now; only the batch may be open, as in a TensorFlow graph."""
    return isinstance(x.shape[0], int | None) and all(isinstance(size, int) for size in x.shape[1:])


def _pairs(where: str, padding: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """One `(lo, hi)` for each axis; on one axis `(lo, hi)` itself will do, as in `ZeroPadding1D`."""
    lone = rank == 1 and isinstance(padding, Sequence) and len(padding) == 2
    return pairs(where, (padding,) if lone else padding, rank)
