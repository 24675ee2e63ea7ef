"""Three primitives, each the derivative of the others: on a CPU they call the engine, elsewhere they become `lax`."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, xla

from .. import engine
from ..geometry import Problem
from .sharding import over_devices

__all__ = [
    "BRAIN", "SINGLE", "conv_p", "conv_transpose_p", "kernel_gradient_p", "plain", "plainly", "shape_of", "target",
    "way", "widened",
]

Array = Any
SINGLE, BRAIN = jnp.dtype("float32"), jnp.dtype("bfloat16")
HALVES = {BRAIN, jnp.dtype("float16")}

_choice = threading.local()


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """Within this context, whatever is traced and lowered is made of `lax` operations alone.

    `jax.export` needs no such help: what is lowered for an export always is.

    >>> with plain():
    ...     text = jax.jit(lambda x, k: conv_p.bind(x, k, problem=Problem((1,), (1,), (1,), (0,), (2,), (2,)))).lower(
    ...         jnp.ones((1, 2, 1)), jnp.ones((1, 1, 1))).as_text()
    >>> "tconv" in text
    False
    """
    before = getattr(_choice, "plain", False)
    _choice.plain = True
    try:
        yield
    finally:
        _choice.plain = before


def lax_conv(y: Array, kernel: Array, *, problem: Problem) -> Array:
    """`conv` as XLA has it."""
    y, pads = _cut(y, list(zip(problem.lo, problem.hi, strict=True)))
    return lax.conv_general_dilated(
        y, kernel, problem.stride, pads, rhs_dilation=problem.dilation, feature_group_count=problem.groups,
        dimension_numbers=_numbers(problem.rank))


def lax_conv_transpose(x: Array, kernel: Array, *, problem: Problem) -> Array:
    """`conv_transpose` as XLA has it: a convolution of the stretched input with the turned kernel."""
    rank, groups = problem.rank, problem.groups
    split = kernel.reshape(*kernel.shape[:-1], groups, kernel.shape[-1] // groups)
    turned = jnp.flip(jnp.moveaxis(split, -1, rank), range(rank))  # (*K, C / groups, D / groups, groups)
    turned = jnp.swapaxes(turned, -1, -2).reshape(*kernel.shape[:-2], split.shape[-1], groups * kernel.shape[-2])
    reach = [(k - 1) * d for k, d in zip(problem.kernel, problem.dilation, strict=True)]
    pads = [(r - lo, r - hi) for r, lo, hi in zip(reach, problem.lo, problem.hi, strict=True)]
    return lax.conv_general_dilated(
        x, turned, (1,) * rank, pads, lhs_dilation=problem.stride, rhs_dilation=problem.dilation,
        feature_group_count=groups, dimension_numbers=_numbers(rank))


def lax_kernel_gradient(y: Array, x: Array, *, problem: Problem) -> Array:
    """`kernel_gradient` as XLA has it: a convolution over the batch, whose dilation is the stride and the reverse."""
    rank = problem.rank
    batch_last = (rank + 1, 0, *range(1, rank + 1))
    y, pads = _cut(y, list(zip(problem.lo, problem.hi, strict=True)))
    return lax.conv_general_dilated(
        y, x, problem.dilation, pads, rhs_dilation=problem.stride, batch_group_count=problem.groups,
        dimension_numbers=lax.ConvDimensionNumbers(batch_last, batch_last, (rank, rank + 1, *range(rank))))


def _cut(y: Array, pads: list[tuple[int, int]]) -> tuple[Array, list[tuple[int, int]]]:
    """Padding that cuts is done here: XLA's CPU kernels (jaxlib 0.10) misplace it in the gradients of groups."""
    if min(map(min, pads)) >= 0:
        return y, pads
    edges = [(0, 0, 0), *((lo, hi, 0) for lo, hi in pads), (0, 0, 0)]
    return lax.pad(y, jnp.zeros((), y.dtype), edges), [(0, 0)] * len(pads)


def _numbers(rank: int) -> lax.ConvDimensionNumbers:
    channels_last = (0, rank + 1, *range(1, rank + 1))
    return lax.ConvDimensionNumbers(channels_last, (rank + 1, rank, *range(rank)), channels_last)


def plainly(context: Any) -> bool:
    """Whether what is lowered has to be made of `lax` operations alone: for an export, or without the engine."""
    parameters = context.module_context.lowering_parameters
    exporting = getattr(parameters, "for_export", False) or getattr(_choice, "plain", False)
    return exporting or not engine.available()


def widened(primitive: Primitive) -> Callable[..., Any]:
    """A lowering for arrays of 16 bits: the primitive on float32, so that sums are; its result is rounded once."""
    def wide(*arrays: Array, **settings: Any) -> Array:
        result = primitive.bind(*(array.astype(SINGLE) for array in arrays), **settings)
        return result.astype(jnp.result_type(*arrays))

    return mlir.lower_fun(wide, multiple_results=False)


def way(context: Any, single: Any, half: Any, other: Any) -> Any:
    """Which of three lowerings for a CPU: for arrays of float32 or of bfloat16, for others of 16 bits or of several
    dtypes, and for the rest or where all has to be `lax`."""
    kinds = {aval.dtype for aval in context.avals_in}
    if plainly(context) or not kinds <= {SINGLE, *HALVES}:
        return other
    return single if kinds in ({SINGLE}, {BRAIN}) else half


def target(name: str, context: Any) -> str:
    """The custom call of a primitive for the dtype of its arrays, float32 or bfloat16."""
    return f"{name}_{'bf16' if context.avals_in[0].dtype == BRAIN else 'f32'}"


def _primitive(name: str, lowered: Callable[..., Array], shape: Callable[..., tuple[int, ...]]) -> Primitive:
    """A bilinear primitive of two arrays: its shape rule, and how it becomes a custom call or `lax`."""
    primitive = Primitive(f"tconv_{name}")
    primitive.def_impl(functools.partial(xla.apply_primitive, primitive))

    def abstract(a: Any, b: Any, *, problem: Problem) -> Any:
        return a.update(shape=shape(a, b, problem), dtype=jnp.result_type(a, b), weak_type=False)

    as_lax = mlir.lower_fun(lowered, multiple_results=False)

    def called(context: Any, a: Any, b: Any, *, problem: Problem) -> Any:
        first, second = context.avals_in
        channels = {"conv_transpose": lambda: (first.shape[-1], second.shape[-2] * problem.groups),
                    "conv": lambda: (second.shape[-1], first.shape[-1]),
                    "kernel_gradient": lambda: (second.shape[-1], first.shape[-1])}[name]()
        numbers = np.array(engine.numbers(problem, first.shape[0], *channels), np.int64)
        return jax.ffi.ffi_lowering(target(primitive.name, context))(context, a, b, numbers=numbers)

    summed = name == "kernel_gradient"
    shared = over_devices(primitive, abstract, called, batched=(True, summed), summed=summed)
    half = widened(primitive)

    def on_cpu(context: Any, a: Any, b: Any, *, problem: Problem) -> Any:
        return way(context, shared, half, as_lax)(context, a, b, problem=problem)

    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, as_lax)
    mlir.register_lowering(primitive, on_cpu, platform="cpu")
    return primitive


# The shape of each one's result.
shape_of: dict[str, Callable[..., tuple[int, ...]]] = {
    "conv_transpose": lambda x, kernel, problem: (x.shape[0], *problem.fine, kernel.shape[-2] * problem.groups),
    "conv": lambda y, kernel, problem: (y.shape[0], *problem.coarse, kernel.shape[-1]),
    "kernel_gradient": lambda y, x, problem: (*problem.kernel, y.shape[-1] // problem.groups, x.shape[-1]),
}

conv_transpose_p = _primitive("conv_transpose", lax_conv_transpose, shape_of["conv_transpose"])
conv_p = _primitive("conv", lax_conv, shape_of["conv"])
kernel_gradient_p = _primitive("kernel_gradient", lax_kernel_gradient, shape_of["kernel_gradient"])

# Each rule gives what an argument receives from a result's cotangent `ct`, the other argument being known.
ad.defbilinear(conv_transpose_p,
               lambda ct, x, kernel, *, problem: conv_p.bind(ct, kernel, problem=problem),
               lambda ct, x, kernel, *, problem: kernel_gradient_p.bind(ct, x, problem=problem))
ad.defbilinear(conv_p,
               lambda ct, y, kernel, *, problem: conv_transpose_p.bind(ct, kernel, problem=problem),
               lambda ct, y, kernel, *, problem: kernel_gradient_p.bind(y, ct, problem=problem))
ad.defbilinear(kernel_gradient_p,
               lambda ct, y, x, *, problem: conv_transpose_p.bind(x, ct, problem=problem),
               lambda ct, y, x, *, problem: conv_p.bind(y, ct, problem=problem))


def _into_channels(array: Array, axis: int | None, size: int) -> Array:
    """A batch axis moved into the last axis, where each of its entries becomes groups of its own."""
    if axis is None:
        array, axis = jnp.broadcast_to(array, (size, *array.shape)), 0
    array = jnp.moveaxis(array, axis, -2)
    return array.reshape(*array.shape[:-2], size * array.shape[-1])


def _batch(primitive: Primitive, size: int, args: tuple[Array, Array], dims: tuple[Any, Any], problem: Problem) -> Any:
    first, second = args
    if primitive is not kernel_gradient_p and dims[1] is None:
        many = jnp.moveaxis(first, dims[0], 0)
        out = primitive.bind(many.reshape(-1, *many.shape[2:]), second, problem=problem)
        return out.reshape(size, -1, *out.shape[1:]), 0
    grouped = Problem(problem.kernel, problem.stride, problem.dilation, problem.lo, problem.coarse, problem.fine,
                      problem.groups * size)
    out = primitive.bind(*(_into_channels(a, d, size) for a, d in zip(args, dims, strict=True)), problem=grouped)
    return out.reshape(*out.shape[:-1], size, out.shape[-1] // size), out.ndim - 1


def _batching(primitive: Primitive) -> Callable[..., Any]:
    def rule(args: tuple[Array, Array], dims: tuple[Any, Any], *, problem: Problem) -> Any:
        size = next(a.shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
        return _batch(primitive, size, args, dims, problem)

    return rule


for _each in (conv_transpose_p, conv_p, kernel_gradient_p):
    batching.primitive_batchers[_each] = _batching(_each)

if engine.available():
    from ..engine.compiled import native

    for _name, _handler in native.xla_handlers().items():
        jax.ffi.register_ffi_target(_name, _handler, platform="cpu")
