"""`Conv1DTranspose`, `Conv2DTranspose`, `Conv3DTranspose`: Keras' layers, with groups, any crop and any output size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import keras

from ..conventions.keras import transposed_crops, transposed_problem
from ..errors import SettingError, ShapeError
from ..geometry import Problem, Spec, per_axis, whole
from . import plain
from .drop_in import ANY, REMEMBERED, DropIn, Sizes, settled

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class _Transposed(DropIn):
    """The part that is the same for any number of axes."""

    groups = 1
    transposed = True

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str | int | Sequence[Any] = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        groups: int = 1,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides=strides, padding=padding, output_padding=output_padding,
            data_format=data_format, dilation_rate=dilation_rate, activation=activation, use_bias=use_bias,
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, **kwargs,
        )
        self.groups = whole(type(self).__name__, "groups", groups, 1)
        self._divided("filters", filters)

    def build(self, input_shape: Sequence[int | None]) -> None:
        axis = 1 if self._first else -1
        channels = input_shape[axis]
        self._grid(input_shape)
        self._divided("the input's channel count", channels)
        self.input_spec = keras.layers.InputSpec(min_ndim=self.rank + 2, axes={axis: channels})
        self.kernel = self.add_weight(
            name="kernel", shape=(*self.kernel_size, self.filters // self.groups, channels),
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint, dtype=self.dtype,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer=self.bias_initializer, regularizer=self.bias_regularizer,
            constraint=self.bias_constraint, dtype=self.dtype,
        ) if self.use_bias else None

    def call(self, inputs: Any, output_size: int | Sequence[int] | None = None) -> Any:
        """The output; `output_size` (samples, one for all axes or one each) chooses among the sizes that fit."""
        x, kernel = self._operands(inputs)
        self._grid(inputs.shape)
        if settled(x):
            return self._computed("conv_transpose", x, kernel, self._problem(tuple(x.shape)[1:-1], output_size))
        if output_size is not None:
            raise ShapeError(f"{type(self).__name__}: output_size is {output_size}, but the input's sizes are not "
                             f"known yet, {tuple(x.shape)}; give the input fixed sizes, or use output_padding.")
        settings = self._settings()
        crops = transposed_crops(self._spec(), settings.pop("padding"), self.output_padding)
        return self._finished(plain.conv_transpose(x, kernel, **settings, crops=crops))

    def compute_output_shape(
        self, input_shape: Sequence[int | None], output_size: int | Sequence[int] | None = None
    ) -> Sizes:
        grid = self._grid(input_shape)
        if output_size is not None and None in grid:
            return self._shape(input_shape, per_axis(type(self).__name__, "output_size", output_size, self.rank))
        problem = self._problem(tuple(ANY if size is None else size for size in grid), output_size)
        fine = (None if size is None else out for size, out in zip(grid, problem.fine, strict=True))
        return self._shape(input_shape, tuple(fine))

    def compute_output_spec(self, inputs: Any, output_size: int | Sequence[int] | None = None) -> Any:
        return keras.KerasTensor(self.compute_output_shape(inputs.shape, output_size), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}

    def _problem(self, coarse: tuple[int, ...], output_size: Any) -> Problem:
        wanted = tuple(output_size) if isinstance(output_size, Sequence) else output_size
        return problem_of(**self._settings(), output_padding=self.output_padding, coarse=coarse, output_size=wanted)

    def _met(self, sizes: tuple[int, ...]) -> Problem:
        return self._problem(sizes, None)

    def _spec(self) -> Spec:
        return Spec.of(self.kernel_size, stride=self.strides, dilation=self.dilation_rate, groups=self.groups)

    def _divided(self, name: str, channels: Any) -> None:
        if channels % self.groups:
            raise SettingError(f"{type(self).__name__}: {name} is {channels}, which does not fall into "
                               f"groups={self.groups}; take a group count that divides it.")


problem_of = lru_cache(REMEMBERED)(transposed_problem)

LAYER = """`keras.layers.{name}`, with the same arguments, variables and config, and more settings.

    Beyond Keras: `padding` may also be the crop, a number or an entry per axis (a number or a pair `(start, end)`);
    `strides` go together with `dilation_rate`; the channels may fall into `groups`, with a kernel
    `(*kernel_size, filters / groups, input channels)`; and `layer(x, output_size=...)` chooses the output's size.
    """


@keras.saving.register_keras_serializable("tconv")
class Conv1DTranspose(_Transposed, keras.layers.Conv1DTranspose):
    __doc__ = LAYER.format(name="Conv1DTranspose")


@keras.saving.register_keras_serializable("tconv")
class Conv2DTranspose(_Transposed, keras.layers.Conv2DTranspose):
    __doc__ = LAYER.format(name="Conv2DTranspose")


@keras.saving.register_keras_serializable("tconv")
class Conv3DTranspose(_Transposed, keras.layers.Conv3DTranspose):
    __doc__ = LAYER.format(name="Conv3DTranspose")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str | int | Sequence[Any] = "valid",
        data_format: str | None = None,
        output_padding: int | Sequence[int] | None = None,
        *arguments: Any,
        **options: Any,
    ):
        """Keras has the data format before the output padding here, other than for one axis and two."""
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *arguments, **options)
