"""A model for use, not for training: each convolution takes up what stands before and behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ..methods.channels import Array
from ..resize import resize_conv_as_transposed
from .convolution import Conv1D, Conv2D, Conv3D
from .resize_conv import ResizeConv
from .transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D

__all__ = ["frozen"]

own = keras.layers
LAYERS: dict[bool, dict[int, Any]] = {False: {1: Conv1D, 2: Conv2D, 3: Conv3D},
                                      True: {1: Conv1DTranspose, 2: Conv2DTranspose, 3: Conv3DTranspose}}
KINDS: dict[type, tuple[bool, int]] = {
    kind: (transposed, rank) for transposed, layers in LAYERS.items() for rank, kind in layers.items()}
REPEATS = (own.UpSampling1D, own.UpSampling2D, own.UpSampling3D, UpSampling1D, UpSampling2D, UpSampling3D)
ZEROS = (own.ZeroPadding1D, own.ZeroPadding2D, own.ZeroPadding3D)


def frozen(model: Any) -> Any:
    """The same function of the same inputs, with fewer layers; those that are not replaced are shared with `model`.

    Sequential and functional models, and such within them; others are handed back as they are.
    """
    if not isinstance(model, keras.Sequential) and not _functional(model):
        return model
    plan = _Plan.of(model)
    made = _sequential(model, plan) if isinstance(model, keras.Sequential) else keras.models.clone_model(
        model, clone_function=plan.instead, call_function=plan.called)
    made.trainable = False
    return made


def _functional(model: Any) -> bool:
    return "Functional" in {kind.__name__ for kind in type(model).__mro__}


def _sequential(model: Any, plan: _Plan) -> Any:
    kept = [plan.instead(layer) for layer in model.layers if layer not in plan.idle]
    return keras.Sequential([keras.Input(batch_shape=model.input_shape), *kept], name=model.name)


@dataclass
class _Plan:
    """What becomes of a model's layers: others instead of some, and some that only hand on."""

    replaced: dict[Any, Any]
    idle: set[Any]

    @classmethod
    def of(cls, model: Any) -> _Plan:
        """Every convolution with all that it can take up."""
        graph, plan = _Graph.of(model), cls({}, set())
        for layer in graph.layers:
            if type(layer) in KINDS and graph.once(layer):
                plan.take_up(layer, graph)
            elif type(layer) is ResizeConv and layer.interpolation == "nearest":
                plan.merge(layer)
        return plan

    def take_up(self, layer: Any, graph: _Graph) -> None:
        """One convolution and its neighbours."""
        draft, last, idle = Draft.of(layer), layer, []
        while (behind := graph.only_user(last)) is not None:
            taken = draft.with_behind(behind)
            if taken is None:
                break
            draft, last = taken, behind
            idle.append(behind)
        first = layer
        while (ahead := graph.only_source(first)) is not None:
            taken = draft.with_ahead(ahead)
            if taken is None:
                break
            draft, first = taken, ahead
            idle.append(ahead)
        if idle:
            self.replaced[layer] = draft.layer()
            self.idle.update(idle)

    def merge(self, layer: Any) -> None:
        """A resize and its own convolution in one."""
        inner = layer.convolution
        size = layer.size if isinstance(layer.size, tuple) else (layer.size,) * inner.rank
        draft = Draft.of(inner).after_repeat(size)
        if draft is not None:
            self.replaced[layer] = replace(draft, name=layer.name).layer()

    def instead(self, layer: Any) -> Any:
        """What stands in a layer's place."""
        if layer in self.replaced:
            return self.replaced[layer]
        return frozen(layer) if isinstance(layer, keras.Model) else layer

    def called(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """A layer in the new graph."""
        return args[0] if layer in self.idle else layer(*args, **kwargs)


@dataclass
class _Graph:
    """Who hands what to whom within a model."""

    layers: list[Any]
    nodes: list[Any]
    outputs: set[int]

    @classmethod
    def of(cls, model: Any) -> _Graph:
        functional = keras.Model(model.inputs, model.outputs) if isinstance(model, keras.Sequential) else model
        inside = {id(operation) for operation in functional.operations}
        nodes = [node for operation in functional.operations for node in operation._inbound_nodes
                 if all(id(source._keras_history.operation) in inside for source in node.input_tensors)]
        return cls(list(functional.operations), nodes, {id(tensor) for tensor in functional.outputs})

    def once(self, layer: Any) -> bool:
        """Whether a layer is called once, on one array."""
        calls = [node for node in self.nodes if node.operation is layer]
        return len(calls) == 1 and len(calls[0].input_tensors) == 1

    def only_user(self, layer: Any) -> Any:
        """The one layer that takes what a layer gives, itself called once."""
        (node,) = (node for node in self.nodes if node.operation is layer)
        made = node.outputs[0]
        users = [node for node in self.nodes if any(tensor is made for tensor in node.input_tensors)]
        if len(users) != 1 or id(made) in self.outputs:
            return None
        return users[0].operation if self.once(users[0].operation) else None

    def only_source(self, layer: Any) -> Any:
        """The layer whose result a layer takes, if nobody else does."""
        (node,) = (node for node in self.nodes if node.operation is layer)
        source = node.input_tensors[0]._keras_history.operation
        return source if self.once(source) and self.only_user(source) is layer else None


@dataclass(frozen=True)
class Draft:
    """A convolution that is being put together.

    Args:
        source: the layer that it began as.
        transposed: which of the two it is by now.
        kernel: shape `(*K, D / groups, C)`.
        bias: one number for each channel of the result, or None.
        strides: one number for each axis.
        padding: as the layers take it.
        activation: a function, or None.
        name: of the layer to be made.
    """

    source: Any
    transposed: bool
    kernel: Array
    bias: Array | None
    strides: tuple[int, ...]
    padding: Any
    activation: Any
    name: str

    @classmethod
    def of(cls, layer: Any) -> Draft:
        """A layer as it is."""
        bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else None
        activation = None if layer.activation is keras.activations.linear else layer.activation
        return cls(layer, KINDS[type(layer)][0], keras.ops.convert_to_numpy(layer.kernel), bias, layer.strides,
                   layer.padding, activation, layer.name)

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.kernel.ndim - 2

    def with_behind(self, layer: Any) -> Draft | None:
        """With a layer that follows; None if it cannot be taken up."""
        if self.activation is not None:
            return None
        if type(layer) is own.BatchNormalization and self._by_channel(layer.axis):
            return self.normed(layer)
        function = ACTIVATIONS[type(layer)](layer) if type(layer) in ACTIVATIONS else None
        return None if function is None else replace(self, activation=function)

    def with_ahead(self, layer: Any) -> Draft | None:
        """With a layer that goes before; None if it cannot be taken up."""
        if self.transposed or {*self.strides, *self.source.dilation_rate} != {1} or (
                getattr(layer, "data_format", "channels_last") != self.source.data_format):
            return None
        if type(layer) in ZEROS:
            return self.after_zeros(_each(layer.padding, self.rank))
        if type(layer) in REPEATS and getattr(layer, "interpolation", "nearest") == "nearest":
            return self.after_repeat(layer.size if isinstance(layer.size, tuple) else (layer.size,) * self.rank)
        return None

    def normed(self, norm: Any) -> Draft:
        """With a batch norm behind it, as it is in use."""
        values = ((norm.moving_mean, 0), (norm.moving_variance, 1), (norm.gamma, 1), (norm.beta, 0), (self.bias, 0))
        mean, variance, gain, shift, bias = (
            np.float64(otherwise) if value is None else keras.ops.convert_to_numpy(value).astype(np.float64)
            for value, otherwise in values)
        scale = gain / np.sqrt(variance + norm.epsilon)
        moved = (bias - mean) * scale + shift
        kernel = self.kernel * self._by_output(scale)
        return replace(self, kernel=kernel.astype(self.kernel.dtype), bias=moved.astype(self.kernel.dtype))

    def after_zeros(self, zeros: tuple[tuple[int, int], ...]) -> Draft | None:
        """With so many zeros put around its input."""
        pairs = self._pads()
        return replace(self, padding=tuple((lo + a, hi + b) for (lo, hi), (a, b) in zip(pairs, zeros, strict=True)))

    def after_repeat(self, size: tuple[int, ...]) -> Draft | None:
        """With each cell of its input repeated: one transposed convolution."""
        if {*self.strides, *self.source.dilation_rate} != {1}:
            return None
        stamp, spec = resize_conv_as_transposed(self.kernel.astype(np.float64), size, groups=self.source.groups,
                                                padding=self._pads())
        return replace(self, transposed=True, kernel=stamp.astype(self.kernel.dtype), strides=tuple(size),
                       padding=tuple(axis.crop for axis in spec.axes))

    def layer(self) -> Any:
        """The finished layer, built, not to be trained."""
        outs, ins = (self.kernel.shape[-2] * self.source.groups, self.kernel.shape[-1])
        if not self.transposed:
            outs, ins = ins, outs
        made = LAYERS[self.transposed][self.rank](
            outs, self.kernel.shape[:-2], strides=self.strides, padding=self.padding, groups=self.source.groups,
            dilation_rate=self.source.dilation_rate, data_format=self.source.data_format, activation=self.activation,
            use_bias=self.bias is not None, dtype=self.source.dtype_policy, name=self.name, trainable=False,
            **({"output_padding": self.source.output_padding} if KINDS[type(self.source)][0] else {}))
        grid = (None,) * self.rank
        made.build((None, ins, *grid) if self.source.data_format == "channels_first" else (None, *grid, ins))
        made.set_weights([self.kernel] if self.bias is None else [self.kernel, self.bias])
        return made

    def _by_channel(self, axis: int) -> bool:
        return axis in ((1,) if self.source.data_format == "channels_first" else (-1, self.rank + 1))

    def _by_output(self, scale: Array) -> Array:
        """A number for each output channel, shaped to multiply the kernel."""
        if not self.transposed:
            return scale
        groups, (outs, ins) = self.source.groups, self.kernel.shape[-2:]
        return np.repeat(scale.reshape(groups, outs).T, ins // groups, axis=1)

    def _pads(self) -> Any:
        """The zeros around the input, a pair for each axis; the strides are 1."""
        reach = [(k - 1) * d for k, d in zip(self.kernel.shape, self.source.dilation_rate)]
        named = {"same": [(r // 2, r - r // 2) for r in reach], "valid": [(0, 0)] * self.rank,
                 "causal": [(r, 0) for r in reach]}
        return named[self.padding] if isinstance(self.padding, str) else list(self.padding)


def _each(padding: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """The padding of one of Keras' layers as a pair for each axis."""
    pairs = (padding,) if rank == 1 and not isinstance(padding[0], tuple) else padding
    return tuple((int(lo), int(hi)) for lo, hi in pairs)


def _rectifier(layer: Any) -> Any:
    """The activation that a `ReLU` layer is, if it is a plain one."""
    plain = layer.max_value is None and not layer.threshold
    return None if not plain else keras.activations.relu if not layer.negative_slope else layer


ACTIVATIONS: dict[type, Any] = {
    own.Activation: lambda layer: layer.activation,
    own.ReLU: _rectifier,
    own.LeakyReLU: lambda layer: layer,
}
