"""A layer with its bias and activation, in one operation where the engine serves.

Its derivative is made of the three contractions, so derivatives of every order and either mode are there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir, xla

from .. import engine
from ..geometry import Problem
from .changes import SLOPES, changed, plus
from .primitives import conv_p, conv_transpose_p, shape_of, target, way, widened
from .sharding import over_devices

__all__ = ["ACTIVATIONS", "conv", "conv_transpose"]

Array = Any
LAYERS = {"conv_transpose": conv_transpose_p, "conv": conv_p}

ACTIVATIONS: dict[str | None, Callable[[Array, float], Array]] = {
    None: lambda x, slope: x,
    "relu": lambda x, slope: jax.nn.relu(x),
    "leaky_relu": lambda x, slope: jax.nn.leaky_relu(x, slope),
    "sigmoid": lambda x, slope: jax.nn.sigmoid(x),
    "tanh": lambda x, slope: jnp.tanh(x),
    "gelu": lambda x, slope: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x, slope: jax.nn.gelu(x, approximate=True),
    "silu": lambda x, slope: jax.nn.silu(x),
}

def conv_transpose(x: Array, kernel: Array, bias: Array | None, problem: Problem, activation: str | None,
                   slope: float = 0.0) -> Array:
    """Coarse `(N, *coarse, C)`, kernel `(*K, D / groups, C)` and bias `(D,)` to fine `(N, *fine, D)`, activated.

    Args:
        activation: a name in `ACTIVATIONS`.
        slope: of the left side of "leaky_relu", >= 0.

    Raises:
        ShapeError: if the arrays are not the ones that `problem` describes.
        SizeError: if they would not fit into memory.
    """
    return _finished(x, kernel, bias, "conv_transpose", problem, activation, slope)


def conv(y: Array, kernel: Array, bias: Array | None, problem: Problem, activation: str | None,
         slope: float = 0.0) -> Array:
    """Fine `(N, *fine, D)`, kernel `(*K, D / groups, C)` and bias `(C,)` to coarse `(N, *coarse, C)`, activated."""
    return _finished(y, kernel, bias, "conv", problem, activation, slope)


def _finished(array: Array, kernel: Array, bias: Array | None, layer: str, problem: Problem, activation: str | None,
              slope: float) -> Array:
    grid = {"conv_transpose": "coarse", "conv": "fine"}[layer]
    extent = problem.extent(layer, **{grid: array.shape}, kernel=kernel.shape)
    problem.check_memory(layer, extent, array.dtype.itemsize)
    if bias is None:
        bias = jnp.zeros((0,), array.dtype)
    if 0 in (*array.shape, *kernel.shape, *shape_of[layer](array, kernel, problem)):
        out = jnp.zeros(shape_of[layer](array, kernel, problem), array.dtype)
        return ACTIVATIONS[activation](plus(out, bias), slope)
    return _fused(array, kernel, bias, layer, problem, activation, slope)


@partial(jax.custom_jvp, nondiff_argnums=(3, 4, 5, 6))
def _fused(array: Array, kernel: Array, bias: Array, layer: str, problem: Problem, activation: str | None,
           slope: float) -> Array:
    return finished_p.bind(array, kernel, bias, layer=layer, problem=problem, activation=activation, slope=slope)


def _tangent(layer: str, problem: Problem, activation: str | None, slope: float, primals: Any, tangents: Any) -> Any:
    array, kernel, bias = primals
    contract = partial(LAYERS[layer].bind, problem=problem)
    moves = [part(move) for part, move in zip((lambda move: contract(move, kernel), lambda move: contract(array, move)),
                                              tangents[:2], strict=True) if not isinstance(move, SymbolicZero)]
    move = sum(moves[1:], moves[0]) if moves else jnp.zeros(shape_of[layer](array, kernel, problem), array.dtype)
    bias_move = jnp.zeros((0,), array.dtype) if isinstance(tangents[2], SymbolicZero) else tangents[2]
    if activation in SLOPES or activation is None:
        out = _fused(array, kernel, bias, layer, problem, activation, slope)
        return out, changed(move, bias_move, out, activation, slope)
    total = plus(contract(array, kernel), bias)
    return jax.jvp(lambda total: ACTIVATIONS[activation](total, slope), (total,), (plus(move, bias_move),))


_fused.defjvp(_tangent, symbolic_zeros=True)


def _unfused(array: Array, kernel: Array, bias: Array, *, layer: str, problem: Problem, activation: str | None,
             slope: float) -> Array:
    return ACTIVATIONS[activation](plus(LAYERS[layer].bind(array, kernel, problem=problem), bias), slope)


finished_p = Primitive("tconv_finished")
finished_p.def_impl(partial(xla.apply_primitive, finished_p))


def _abstract(array: Any, kernel: Any, bias: Any, *, layer: str, problem: Problem, activation: str | None,
              slope: float) -> Any:
    return array.update(shape=shape_of[layer](array, kernel, problem), weak_type=False)


def _called(context: Any, array: Any, kernel: Any, bias: Any, *, layer: str, problem: Problem, activation: str | None,
            slope: float) -> Any:
    first, second = context.avals_in[:2]
    coarse, fine = second.shape[-1], second.shape[-2] * problem.groups
    numbers = np.array(engine.numbers(problem, first.shape[0], coarse, fine), np.int64)
    _, code, left = engine.finish(None, activation, slope)
    return jax.ffi.ffi_lowering(target(f"tconv_{layer}_finished", context))(
        context, array, kernel, bias, numbers=numbers, activation=np.int64(code), slope=np.float32(left))


finished_p.def_abstract_eval(_abstract)
_as_lax = mlir.lower_fun(_unfused, multiple_results=False)
_shared = over_devices(finished_p, _abstract, _called, batched=(True, False, False))
_half = widened(finished_p)


def _on_cpu(context: Any, *arrays: Any, **settings: Any) -> Any:
    return way(context, _shared, _half, _as_lax)(context, *arrays, **settings)


mlir.register_lowering(finished_p, _as_lax)
mlir.register_lowering(finished_p, _on_cpu, platform="cpu")


def _batched(args: Any, dims: Any, **settings: Any) -> Any:
    return jax.vmap(partial(_unfused, **settings), in_axes=tuple(dims))(*args), 0


batching.primitive_batchers[finished_p] = _batched
