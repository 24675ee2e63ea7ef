"""`Conv1D`, `Conv2D`, `Conv3D`: Keras' layers, with padding in numbers and strides together with dilation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import keras

from ..conventions.keras import conv_problem
from ..geometry import Problem, Spec
from . import plain
from .drop_in import ANY, REMEMBERED, DropIn, Sizes, settled

__all__ = ["Conv1D", "Conv2D", "Conv3D"]


class _Convolution(DropIn):
    """The part that is the same for any number of axes."""

    transposed = False

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str | int | Sequence[Any] = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
            dilation_rate=dilation_rate, groups=groups, activation=activation, use_bias=use_bias,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, **kwargs,
        )

    def call(self, inputs: Any) -> Any:
        x, kernel = self._operands(inputs)
        self._grid(inputs.shape)
        if settled(x):
            problem = problem_of(**self._settings(), fine=tuple(x.shape)[1:-1])
            return self._computed("conv", x, kernel, problem)
        return self._finished(plain.conv(x, kernel, **{**self._settings(), "padding": self._pads()}))

    def _met(self, sizes: tuple[int, ...]) -> Problem:
        return problem_of(**self._settings(), fine=tuple(sizes))

    def _pads(self) -> Any:
        """The padding without a size: a name that Keras' operation knows, or pairs."""
        if self.padding != "causal":
            return self.padding
        return [(axis.reach - 1, 0) for axis in Spec.of(self.kernel_size, dilation=self.dilation_rate).axes]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sizes:
        grid = self._grid(input_shape)
        problem = problem_of(**self._settings(), fine=tuple(ANY if size is None else size for size in grid))
        coarse = (None if size is None else out for size, out in zip(grid, problem.coarse, strict=True))
        return self._shape(input_shape, tuple(coarse))


problem_of = lru_cache(REMEMBERED)(conv_problem)

LAYER = """`keras.layers.{name}`, with the same arguments, variables and config, and more settings.

    Beyond Keras: `padding` may also be the zeros around the input, a number or an entry per axis (a number or a pair
    `(start, end)`); `strides` go together with `dilation_rate`.
    """


@keras.saving.register_keras_serializable("tconv")
class Conv1D(_Convolution, keras.layers.Conv1D):
    __doc__ = LAYER.format(name="Conv1D")


@keras.saving.register_keras_serializable("tconv")
class Conv2D(_Convolution, keras.layers.Conv2D):
    __doc__ = LAYER.format(name="Conv2D")


@keras.saving.register_keras_serializable("tconv")
class Conv3D(_Convolution, keras.layers.Conv3D):
    __doc__ = LAYER.format(name="Conv3D")
