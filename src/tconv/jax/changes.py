"""How a finish hands on small changes: of sums and biases to results, and of results back to sums and biases.

The two are linear, and each the transpose of the other: that is all that derivatives of any order and mode ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, xla

from .. import engine
from .primitives import BRAIN, SINGLE, plainly, target
from .sharding import asks_for_devices, on_one_device

__all__ = ["SLOPES", "changed", "plus"]

Array = Any

SLOPES: dict[str | None, Callable[[Array, float], Array]] = {
    "relu": lambda y, slope: (y > 0).astype(y.dtype),
    "leaky_relu": lambda y, slope: jnp.where(y >= 0, 1, slope).astype(y.dtype),
    "sigmoid": lambda y, slope: y * (1 - y),
    "tanh": lambda y, slope: 1 - y * y,
}
"""What the result itself tells about the slope at the sum; the other activations need the sum."""

ALIKE = ("relu", "sigmoid", "tanh")
"""Of these, the ones whose slope the engine and JAX take alike: a leaky ReLU's at zero they do not."""


def changed(total: Array, bias: Array, result: Array, activation: str | None, slope: float) -> Array:
    """What results change by.

    Args:
        total: the change of the sums, `(N, *I, C)`.
        bias: the change of the bias, `(C,)`, or `(0,)` where it does not change.
        result: what the layer gave.
        activation: a name in `SLOPES`, or none.
        slope: of a leaky one.
    """
    if activation is None:
        return plus(total, bias)
    return forth_p.bind(total, bias, result, activation=activation, slope=slope)


def plus(total: Array, bias: Array) -> Array:
    """Sums with their bias, if there is one: `(C,)`, or `(0,)`."""
    return total + bias if bias.shape[0] else total


def _forth(total: Array, bias: Array, result: Array, *, activation: str, slope: float) -> Array:
    return plus(total, bias) * SLOPES[activation](result, slope)


def _back(change: Array, result: Array, *, activation: str, slope: float) -> tuple[Array, Array]:
    total = change * SLOPES[activation](result, slope)
    return total, total.astype(_of_sums(total)).sum(range(total.ndim - 1))


def _of_sums(array: Any) -> Any:
    """The dtype of sums over many places."""
    return jnp.promote_types(array.dtype, SINGLE)


forth_p, back_p = Primitive("tconv_forth"), Primitive("tconv_back")
back_p.multiple_results = True
asks_for_devices(back_p)


def _forth_abstract(total: Any, bias: Any, result: Any, **settings: Any) -> Any:
    return result.update(weak_type=False)


def _back_abstract(change: Any, result: Any, **settings: Any) -> Any:
    return [result.update(weak_type=False), result.update(shape=result.shape[-1:], dtype=_of_sums(result),
                                                          weak_type=False)]


def _forth_transposed(change: Any, total: Any, bias: Any, result: Any, **settings: Any) -> Any:
    if type(change) is ad.Zero:
        return None, None, None
    before, sums = back_p.bind(change, result, **settings)
    wanted = [ad.is_undefined_primal(part) for part in (total, bias)]
    return before if wanted[0] else None, _like(sums, bias.aval) if wanted[1] else None, None


def _like(sums: Array, bias: Any) -> Array:
    return sums[:bias.shape[0]].astype(bias.dtype)


def _back_transposed(changes: Any, change: Any, result: Any, **settings: Any) -> Any:
    if all(type(each) is ad.Zero for each in changes):
        return None, None
    total, bias = map(ad.instantiate_zeros, changes)
    return forth_p.bind(total, bias.astype(total.dtype), result, **settings), None


def _linear_in_all_but_the_result(primitive: Primitive, said: Callable[..., Any]) -> None:
    """The forward rule of an operation that is linear in all arguments but the last: there, that of what it says."""
    def rule(primals: Any, tangents: Any, **settings: Any) -> Any:
        out = primitive.bind(*primals, **settings)
        *moves, slopes = tangents
        parts = []
        if not all(type(move) is ad.Zero for move in moves):
            parts.append(primitive.bind(*map(ad.instantiate_zeros, moves), primals[-1], **settings))
        if type(slopes) is not ad.Zero:
            parts.append(jax.jvp(lambda result: said(*primals[:-1], result, **settings), primals[-1:], (slopes,))[1])
        return out, jax.tree.map(lambda *each: sum(each[1:], each[0]), *(_listed(part, out) for part in parts))

    ad.primitive_jvps[primitive] = rule


def _listed(part: Any, like: Any) -> Any:
    return list(part) if isinstance(like, list) else part


def _called(context: Any, change: Any, result: Any, *, activation: str, slope: float) -> Any:
    _, code, left = engine.finish(None, activation, slope)
    return jax.ffi.ffi_lowering(target(back_p.name, context))(
        context, change, result, activation=np.int64(code), slope=np.float32(left))


def _engine_serves(context: Any, activation: str) -> bool:
    kinds = {aval.dtype for aval in context.avals_in}
    return (activation in ALIKE and kinds in ({SINGLE}, {BRAIN}) and context.avals_in[0].size > 0
            and on_one_device(context) and not plainly(context))


for _primitive, _said, _abstract, _transposed in ((forth_p, _forth, _forth_abstract, _forth_transposed),
                                                  (back_p, _back, _back_abstract, _back_transposed)):
    _primitive.def_impl(partial(xla.apply_primitive, _primitive))
    _primitive.def_abstract_eval(_abstract)
    ad.primitive_transposes[_primitive] = _transposed
    _linear_in_all_but_the_result(_primitive, _said)
    mlir.register_lowering(_primitive, mlir.lower_fun(_said, multiple_results=_primitive.multiple_results))

_back_as_lax = mlir.lower_fun(_back, multiple_results=True)


def _back_on_cpu(context: Any, *arrays: Any, **settings: Any) -> Any:
    way = _called if _engine_serves(context, settings["activation"]) else _back_as_lax
    return way(context, *arrays, **settings)


mlir.register_lowering(back_p, _back_on_cpu, platform="cpu")


def _forth_batched(args: Any, dims: Any, **settings: Any) -> Any:
    return jax.vmap(partial(_forth, **settings), in_axes=tuple(dims))(*args), 0


def _back_batched(args: Any, dims: Any, **settings: Any) -> Any:
    return jax.vmap(partial(_back, **settings), in_axes=tuple(dims))(*args), (0, 0)


batching.primitive_batchers[forth_p], batching.primitive_batchers[back_p] = _forth_batched, _back_batched
