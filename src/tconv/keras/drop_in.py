"""What both kinds of layers add to Keras' own: padding in numbers, strides with dilation, and who computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from ..conventions.crops import pairs
from ..errors import ShapeError
from ..geometry import Problem, Spec, per_axis, whole
from . import backend

__all__ = ["ANY", "REMEMBERED", "DropIn", "settled"]

Sizes = tuple[int | None, ...]

ANY = 2**24  # stands in for a size that is not known, on an axis whose result is not looked at
FEW = 3  # cells along each axis of a sample that nobody gave
REMEMBERED = 4096  # problems, one for each combination of settings and sizes; making one takes as long as a small layer

if TYPE_CHECKING:
    from ..explain import Explanation

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

    def _computed(self, name: str, x: Any, kernel: Any, problem: Problem) -> Any:
        """The contraction of that name, the bias, the activation; in one where the backend can."""
        bias = ops.cast(self.bias, x.dtype) if self.use_bias else None
        outputs = backend.finished(name, x, kernel, problem, bias, self.activation)
        if outputs is None:
            return self._finished(getattr(backend, name)(x, kernel, problem))
        return ops.moveaxis(outputs, -1, 1) if self._first else outputs

    def _finished(self, outputs: Any) -> Any:
        """The bias, channels where they belong, the activation.

        In this order, because on TensorFlow Keras adds a bias for channels-first arrays to the columns if there are as
        many of them as channels.
        """
        outputs = ops.add(outputs, self.bias) if self.use_bias else outputs
        outputs = ops.moveaxis(outputs, -1, 1) if self._first else outputs
        return outputs if self.activation is None else self.activation(outputs)

    def explain(self, x: Any = None) -> Explanation:
        """What the layer does with one sample, number by number: with its kernel and bias, before its activation.

        Args:
            x: one sample as the layer takes it, with or without a batch of 1; by default 1, 2, 3, ... on three cells
                along each axis, or as many as the kernel reaches over.

        Raises:
            ShapeError: if the sample does not fit, or the layer has no kernel yet and no sample says its channels.
        """
        from ..explain import explain, numbered

        if x is None:
            if not self.built:
                raise ShapeError(f"{type(self).__name__}: has no kernel yet; give a sample, or build it first.")
            x = numbered(self._few())[..., None].repeat(self.input_spec.axes[1 if self._first else -1], axis=-1)
        else:
            x = ops.convert_to_numpy(x)
            x = x if x.ndim == self.rank + 1 else x[0]
            x = np.moveaxis(x, 0, -1) if self._first else x
        if not self.built:
            grid = x.shape[:-1]
            self.build((None, x.shape[-1], *grid) if self._first else (None, *grid, x.shape[-1]))
        bias = ops.convert_to_numpy(self.bias) if self.use_bias else None
        return explain(x, ops.convert_to_numpy(self.kernel), problem=self._met(x.shape[:-1]),
                       transposed=self.transposed, bias=bias)

    def _repr_html_(self) -> str:
        """In a notebook: the layer's words, and its setting at work on numbers that count up."""
        from ..explain.notebook import layer_html

        return layer_html(repr(self), self._met(self._few()), self.transposed)

    def _few(self) -> tuple[int, ...]:
        """Sizes that are quickly looked at."""
        reach = (axis.reach for axis in Spec.of(self.kernel_size, dilation=self.dilation_rate).axes)
        return tuple(FEW if self.transposed else max(FEW, size + 2) for size in reach)

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
