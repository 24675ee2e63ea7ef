"""A trained layer of one framework as a trained layer of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from ..conventions import spell
from ..conventions.convention import Channels
from ..conventions.crops import cropped, pads_of
from ..conventions.keras import transposed_crops
from ..conventions.steps import apply
from ..conventions.table import CONVENTIONS, table
from ..conventions.torch import transposed_problem
from ..errors import MissingExtra, SettingError, UnsupportedError
from ..geometry import Spec
from ..methods.channels import Array

__all__ = ["TARGETS", "Trained", "layer"]

ANY = 2**20  # a size for what does not depend on it
KERAS_NAMES, TORCH_NAMES = ("valid", "same", "causal"), ("valid", "same")


@dataclass(frozen=True)
class Trained:
    """A layer that was read, in no framework's words.

    Args:
        transposed: which of the two.
        spec: its setting.
        kernel: canonical, `(*K, D / groups, C)`.
        bias: one number for each channel of the result, or None.
        activation: Keras' name for it, or None.
        first: whether its arrays have their channels first.
    """

    transposed: bool
    spec: Spec
    kernel: Array
    bias: Array | None
    activation: str | None = None
    first: bool = True

    @property
    def channels(self) -> Channels:
        """In, out, and whether there is a bias."""
        ends = (self.kernel.shape[-1], self.kernel.shape[-2] * self.spec.groups)
        return Channels(*(ends if self.transposed else ends[::-1]), self.bias is not None)


def layer(layer: Any, to: str, *, sizes: Sequence[int] | None = None) -> Any:
    """A trained convolution or transposed convolution as one of another framework, with its weights.

    Args:
        layer: of Keras (built), PyTorch, `tconv.keras`, `tconv.torch` or Equinox.
        to: `keras`, `torch`, `equinox` or `flax`.
        sizes: input samples per axis, wanted for a convolution with a stride and 'same'.

    Returns:
        A layer that computes the same, on arrays as its framework lays them out: Keras and Flax `(N, *I, C)`, PyTorch
        `(N, C, *I)`, Equinox `(C, *I)`. It has zeros among its taps, or stands in a Sequential with what crops or pads,
        where one layer has no words for the setting; and in one with its activation in PyTorch. For Flax a pair: the
        module, and its variables.

    Raises:
        SettingError: if the layer has no weights yet, is none that is known, or sizes are wanted.
        UnsupportedError: if there is no equal layer.

    >>> import keras
    >>> theirs = keras.layers.Conv1DTranspose(2, 3, strides=2, padding="same")
    >>> theirs.build((None, 5, 4))
    >>> globals()["layer"](theirs, "torch")
    ConvTranspose1d(4, 2, kernel_size=(4,), stride=(2,), padding=(1,))
    """
    if to not in TARGETS:
        cure = ("tconv.convert.kernel converts its kernel" if to in CONVENTIONS else f"take {', '.join(TARGETS)}")
        raise UnsupportedError(f"layer: to is {to!r}, for which no layer is made; {cure}.")
    found = _read(layer, None if sizes is None else tuple(sizes))
    row = table(found.transposed)[to]
    spelling = spell(row, found.spec, found.channels, sizes)
    kernel = np.ascontiguousarray(apply(spelling.steps, found.kernel))
    try:
        return TARGETS[to](found, spelling.code, kernel)
    except ImportError as error:
        raise MissingExtra("layer", error.name or to, to) from None


def _read(layer: Any, sizes: tuple[int, ...] | None) -> Trained:
    """A layer of any framework, told by where its class, or one that it derives from, is at home."""
    for kind in type(layer).__mro__:
        source = SOURCES.get(kind.__module__.split(".")[0])
        if source is not None and kind.__name__.startswith("Conv"):
            return source(layer, "Transpose" in kind.__name__, sizes)
    raise SettingError(f"layer: is of type {type(layer).__module__}.{type(layer).__qualname__}, but has to be a "
                       "convolution or a transposed convolution of Keras, PyTorch or Equinox.")


def _of_keras(layer: Any, transposed: bool, sizes: tuple[int, ...] | None) -> Trained:
    import keras

    if not layer.built:
        raise SettingError(f"layer: {layer.name!r} has no kernel yet; build it, or call it once.")
    groups = getattr(layer, "groups", 1)
    bare = Spec.of(layer.kernel_size, stride=layer.strides, dilation=layer.dilation_rate, groups=groups)
    if transposed:
        spec = cropped(bare, transposed_crops(bare, layer.padding, layer.output_padding))
    else:
        spec = cropped(bare, pads_of("layer", bare, layer.padding, sizes, KERAS_NAMES))
    kernel, *bias = (np.asarray(keras.ops.convert_to_numpy(value)) for value in layer.weights[:1 + layer.use_bias])
    activation = None if layer.activation is keras.activations.linear else layer.activation
    named = None if activation is None else getattr(activation, "__name__", type(activation).__name__)
    return Trained(transposed, spec, kernel, bias[0] if bias else None, named, layer.data_format == "channels_first")


def _of_torch(layer: Any, transposed: bool, sizes: tuple[int, ...] | None) -> Trained:
    if layer.padding_mode != "zeros":
        raise UnsupportedError(f"layer: padding_mode is {layer.padding_mode!r}; only zeros go with the layer. Pad the "
                               "input yourself, and convert the layer with padding=0.")
    weight = layer.weight.detach().cpu().numpy()
    bias = None if layer.bias is None else layer.bias.detach().cpu().numpy()
    bare = Spec.of(layer.kernel_size, stride=layer.stride, dilation=layer.dilation, groups=layer.groups)
    if transposed:
        problem = transposed_problem(
            kernel_size=layer.kernel_size, stride=layer.stride, padding=layer.padding, dilation=layer.dilation,
            output_padding=layer.output_padding, groups=layer.groups, coarse=(ANY,) * bare.rank)
        spec = Spec(problem.axes, layer.groups)
    else:
        spec = cropped(bare, pads_of("layer", bare, layer.padding, sizes, TORCH_NAMES))
    return Trained(transposed, spec, np.moveaxis(weight, (0, 1), (-1, -2)), bias)


def _of_equinox(layer: Any, transposed: bool, sizes: tuple[int, ...] | None) -> Trained:
    row = table(transposed)["equinox"]
    arguments = {name: getattr(layer, name) for name in row.geometry if hasattr(layer, name)}
    bias = None if layer.bias is None else np.asarray(layer.bias).ravel()
    return Trained(transposed, row.read(arguments, sizes), row.kernel_from(np.asarray(layer.weight), arguments), bias)


SOURCES: dict[str, Callable[[Any, bool, tuple[int, ...] | None], Trained]] = {
    "keras": _of_keras, "torch": _of_torch, "equinox": _of_equinox,
}


def _made(code: str, *packages: str, **names: Any) -> Any:
    """What a line of a framework's code, written by the convention from whole numbers, makes."""
    modules = {package.split(".")[0]: import_module(package) for package in packages}
    return eval(code, {**{name: import_module(name) for name in modules}, **names})


def _to_keras(found: Trained, code: str, kernel: Array) -> Any:
    made = _made(code, "keras")
    inner = next((one for one in getattr(made, "layers", ()) if "Conv" in type(one).__name__), made)
    inner.activation = import_module("keras").activations.get(found.activation)
    made.build((None, *(None,) * found.spec.rank, found.channels.inputs))
    inner.set_weights([kernel] if found.bias is None else [kernel, found.bias])
    return made


def _to_torch(found: Trained, code: str, kernel: Array) -> Any:
    torch = import_module("torch")
    made = _made(code, "torch")
    inner = made[-1] if isinstance(made, torch.nn.Sequential) else made
    inner.weight.data = torch.from_numpy(kernel.copy())
    if found.bias is not None:
        inner.bias.data = torch.from_numpy(found.bias.copy())
    if found.activation is None:
        return made
    if found.activation not in TORCHS:
        raise UnsupportedError(f"layer: the activation {found.activation!r} has no counterpart here; convert the layer "
                               "without it, and apply it yourself.")
    return torch.nn.Sequential(made, eval(TORCHS[found.activation], {"nn": torch.nn}))


TORCHS = {
    "relu": "nn.ReLU()", "leaky_relu": "nn.LeakyReLU(0.2)", "sigmoid": "nn.Sigmoid()", "tanh": "nn.Tanh()",
    "gelu": "nn.GELU()", "silu": "nn.SiLU()", "elu": "nn.ELU()", "softplus": "nn.Softplus()",
    "softsign": "nn.Softsign()", "relu6": "nn.ReLU6()", "selu": "nn.SELU()", "softmax": "nn.Softmax(1)",
}
"""Keras' activations in PyTorch."""


def _to_equinox(found: Trained, code: str, kernel: Array) -> Any:
    _bare(found)
    equinox, jax = import_module("equinox"), import_module("jax")
    made = _made(code, "equinox", "jax", key=jax.random.key(0))
    values = (kernel, *(() if found.bias is None else (found.bias.reshape(-1, *(1,) * found.spec.rank),)))
    leaves = (lambda one: (one.weight,)) if found.bias is None else (lambda one: (one.weight, one.bias))
    return equinox.tree_at(leaves, made, tuple(map(jax.numpy.asarray, values)))


def _to_flax(found: Trained, code: str, kernel: Array) -> Any:
    _bare(found)
    import_module("flax.linen")
    made = _made(code, "flax")
    return made, {"params": {"kernel": kernel} | ({} if found.bias is None else {"bias": found.bias})}


def _bare(found: Trained) -> None:
    if found.activation is not None:
        raise UnsupportedError(f"layer: the activation {found.activation!r} is no part of this framework's layers; set "
                               "layer.activation to None, convert, and apply it yourself.")


TARGETS: dict[str, Callable[[Trained, str, Array], Any]] = {
    "keras": _to_keras, "torch": _to_torch, "equinox": _to_equinox, "flax": _to_flax,
}
"""Who makes a layer from a line of code and a kernel."""
