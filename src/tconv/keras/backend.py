"""Who computes: a pair of canonical functions for each Keras backend, in one table.

All of them take channels-last arrays, a kernel `(*K, D / groups, C)` and a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import keras

from ..geometry import Problem
from . import plain

__all__ = ["BACKENDS", "conv", "conv_transpose", "finished"]

Contraction = Callable[[Any, Any, Problem], Any]


def _jax() -> tuple[Contraction, Contraction]:
    from ..jax import operations

    return operations.conv_transpose, operations.conv


def _tensorflow() -> tuple[Contraction, Contraction]:
    from ..tensorflow import operations

    return operations.conv_transpose, operations.conv


def _torch() -> tuple[Contraction, Contraction]:
    from . import torch_order

    return torch_order.conv_transpose, torch_order.conv


def _other() -> tuple[Contraction, Contraction]:
    def conv_transpose(x: Any, kernel: Any, problem: Problem) -> Any:
        return plain.conv_transpose(x, kernel, **_settings(problem), crops=_ends(problem))

    def conv(y: Any, kernel: Any, problem: Problem) -> Any:
        return plain.conv(y, kernel, **_settings(problem), padding=_ends(problem))

    return conv_transpose, conv


def _finished_by_jax(name: str, x: Any, kernel: Any, problem: Problem, bias: Any, said: tuple[Any, ...]) -> Any:
    from ..jax import finished

    return getattr(finished, name)(x, kernel, bias, problem, *(said or (None,)))


def _finished_by_torch(name: str, x: Any, kernel: Any, problem: Problem, bias: Any, said: tuple[Any, ...]) -> Any:
    from ..torch.activations import Finish
    from . import torch_order

    return getattr(torch_order, name)(x, kernel, problem, bias, Finish(*said))


# The backends whose engine adds the bias and applies the activation while it stores a result.
FINISHED = {"jax": _finished_by_jax, "torch": _finished_by_torch}


def finished(name: str, x: Any, kernel: Any, problem: Problem, bias: Any, activation: Any) -> Any:
    """A contraction with its bias and activation as one operation; None where there is none such."""
    backend = keras.backend.backend()
    if backend not in FINISHED or activation not in _said_activations():
        return None
    return FINISHED[backend](name, x, kernel, problem, bias, _said_activations()[activation])


@cache
def _said_activations() -> dict[Any, tuple[Any, ...]]:
    """Keras' activations that the engine knows, with their slopes."""
    own = keras.activations
    return {None: (), own.linear: (), own.relu: ("relu",), own.sigmoid: ("sigmoid",), own.tanh: ("tanh",),
            own.leaky_relu: ("leaky_relu", 0.2), own.gelu: ("gelu",), own.silu: ("silu",)}


BACKENDS = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}


def conv_transpose(x: Any, kernel: Any, problem: Problem) -> Any:
    """Coarse `(N, *coarse, C)` to fine `(N, *fine, D)`, by the backend in use."""
    return _contractions(keras.backend.backend())[0](x, kernel, problem)


def conv(y: Any, kernel: Any, problem: Problem) -> Any:
    """Fine `(N, *fine, D)` to coarse `(N, *coarse, C)`, by the backend in use."""
    return _contractions(keras.backend.backend())[1](y, kernel, problem)


@cache
def _contractions(name: str) -> tuple[Contraction, Contraction]:
    return BACKENDS.get(name, _other)()


def _settings(problem: Problem) -> dict[str, Any]:
    return {"kernel_size": problem.kernel, "strides": problem.stride, "dilation_rate": problem.dilation,
            "groups": problem.groups}


def _ends(problem: Problem) -> list[tuple[int, int]]:
    return list(zip(problem.lo, problem.hi, strict=True))
