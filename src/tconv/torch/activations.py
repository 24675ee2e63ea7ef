"""What follows a convolution and can be done while its results are stored: which of PyTorch's activations, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["NOTHING", "Finish", "of_call", "of_module"]

OWN: dict[str, Callable[[Tensor, float], Tensor]] = {
    "relu": lambda x, slope: F.relu(x),
    "leaky_relu": F.leaky_relu,
    "sigmoid": lambda x, slope: torch.sigmoid(x),
    "tanh": lambda x, slope: torch.tanh(x),
    "gelu": lambda x, slope: F.gelu(x),
    "gelu_tanh": lambda x, slope: F.gelu(x, approximate="tanh"),
    "silu": lambda x, slope: F.silu(x),
}


IN_PLACE: dict[str, Callable[[Tensor, float], Tensor]] = {
    "relu": lambda x, slope: torch.relu_(x),
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope, inplace=True),
    "sigmoid": lambda x, slope: torch.sigmoid_(x),
    "tanh": lambda x, slope: torch.tanh_(x),
    "silu": lambda x, slope: F.silu(x, inplace=True),
}


BACK: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "relu": lambda gradient, y, slope: torch.ops.aten.threshold_backward.default(gradient, y, 0),
    "leaky_relu": lambda gradient, y, slope: torch.ops.aten.leaky_relu_backward.default(gradient, y, slope, True),
    "sigmoid": lambda gradient, y, slope: torch.ops.aten.sigmoid_backward.default(gradient, y),
    "tanh": lambda gradient, y, slope: torch.ops.aten.tanh_backward.default(gradient, y),
}
"""What an activation's argument receives, by what its result `y` does; for those that the result alone tells."""


class Finish(NamedTuple):
    """What becomes of a layer's results; called, its activation is applied.

    Args:
        activation: a name in `methods.ACTIVATIONS`, or none.
        slope: of a leaky one.
        last: whether the channels of what the engine gives lie last in memory; None: as they do in what it is given.

    >>> Finish("leaky_relu", 0.5)(torch.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    activation: str | None = None
    slope: float = 0.0
    last: bool | None = None

    def __call__(self, x: Tensor) -> Tensor:
        return x if self.activation is None else OWN[self.activation](x, self.slope)

    def written(self, x: Tensor) -> Tensor:
        """The activation, in the memory of its argument where that can be and nobody asks for gradients."""
        if self.activation not in IN_PLACE or (x.requires_grad and torch.is_grad_enabled()):
            return self(x)
        return IN_PLACE[self.activation](x, self.slope)

    @property
    def told(self) -> bool:
        """Whether a result tells the slope of the activation there, or there is none."""
        falls = self.activation == "leaky_relu" and self.slope <= 0
        return self.activation is None or (self.activation in BACK and not falls)

    def back(self, gradient: Tensor, y: Tensor) -> Tensor:
        """What the activation's argument receives where its result `y` receives a gradient; of one that is told."""
        return gradient if self.activation is None else BACK[self.activation](gradient, y, self.slope)

    def __str__(self) -> str:
        return f"{self.activation}({self.slope:g})" if self.activation == "leaky_relu" else str(self.activation)


NOTHING = Finish()


def _gelu(approximate: str) -> Finish:
    return Finish("gelu_tanh" if approximate == "tanh" else "gelu")


MODULES: dict[type, Callable[[Any], Finish]] = {
    nn.ReLU: lambda layer: Finish("relu"),
    nn.LeakyReLU: lambda layer: Finish("leaky_relu", layer.negative_slope),
    nn.Sigmoid: lambda layer: Finish("sigmoid"),
    nn.Tanh: lambda layer: Finish("tanh"),
    nn.GELU: lambda layer: _gelu(layer.approximate),
    nn.SiLU: lambda layer: Finish("silu"),
}


def _plain(name: str) -> Callable[..., Finish]:
    return lambda inplace=False: Finish(name)


CALLS: dict[Any, Callable[..., Finish]] = {
    F.leaky_relu: lambda negative_slope=0.01, inplace=False: Finish("leaky_relu", negative_slope),
    F.gelu: lambda approximate="none": _gelu(approximate),
    F.silu: _plain("silu"),
    **{function: _plain(name) for name, functions in {
        "relu": (F.relu, torch.relu, torch.relu_, "relu", "relu_"),
        "sigmoid": (F.sigmoid, torch.sigmoid, torch.sigmoid_, "sigmoid", "sigmoid_"),
        "tanh": (F.tanh, torch.tanh, torch.tanh_, "tanh", "tanh_"),
    }.items() for function in functions},
}
"""Functions, and methods by their names, that are an activation of their first argument."""


def of_module(layer: nn.Module) -> Finish | None:
    """The activation that a layer is, if it is one of ours."""
    return MODULES[type(layer)](layer) if type(layer) in MODULES else None


def of_call(target: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Finish | None:
    """The activation that a function or a method is, called with these arguments after its first."""
    if target not in CALLS:
        return None
    try:
        found = CALLS[target](*arguments, **named)
        return found._replace(slope=float(found.slope))
    except TypeError:  # arguments of another kind, or known only when it is run
        return None
