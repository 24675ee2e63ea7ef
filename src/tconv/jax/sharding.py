"""How an operation is shared out over devices: along the batch, as data-parallel training does it.

A contraction of `(N, ...)` arrays with a kernel is the same for each of its N entries, so every device takes its own; a
kernel gradient is their sum, so the devices' parts are added. All else that an array may be split by is gathered first.
XLA knows this of its own convolutions; of a custom call it has to be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax._src import dispatch
from jax.experimental.custom_partitioning import custom_partitioning
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jax.sharding import NamedSharding, PartitionSpec

__all__ = ["asks_for_devices", "on_one_device", "over_devices"]

Array = Any


def over_devices(primitive: Primitive, abstract: Callable[..., Any], lower: Callable[..., Any], *,
                 batched: tuple[bool, ...], summed: bool = False) -> Callable[..., Any]:
    """A lowering rule for `primitive` that makes each device compute its part of the batch.

    Args:
        primitive: to be lowered.
        abstract: its shape rule.
        lower: its lowering on one device.
        batched: for each argument, whether its first axis is the batch.
        summed: whether the result is a sum over the batch; otherwise its first axis is the batch.
    """
    part = Primitive(f"{primitive.name}_part")
    part.def_abstract_eval(abstract)
    mlir.register_lowering(part, lower, platform="cpu")
    asks_for_devices(primitive)

    def rule(context: Any, *operands: Any, **settings: Any) -> Any:
        if on_one_device(context):
            return lower(context, *operands, **settings)

        def whole(*arrays: Array) -> Array:
            return part.bind(*arrays, **settings)

        def partition(mesh: Any, arguments: Any, result: Any) -> Any:
            axis = next(_first(a.sharding) for a, split in zip(arguments, batched, strict=True) if split)

            def of_a_device(*arrays: Array) -> Array:
                found = whole(*arrays)
                return jax.lax.psum(found, axis) if summed and axis is not None else found

            return (mesh, of_a_device, _split(mesh, None if summed else axis),
                    tuple(_split(mesh, axis if split else None) for split in batched))

        compute = custom_partitioning(whole)
        compute.def_partition(partition, sharding_rule=_rule(context, batched, summed),
                              **_factors(context, batched, summed))
        return mlir.lower_fun(compute, multiple_results=False)(context, *operands)

    return rule


def asks_for_devices(primitive: Primitive) -> None:
    """Let a primitive's lowering know the devices: who needs to has to say so, and there is no public way yet."""
    dispatch.prim_requires_devices_during_lowering.add(primitive)


def on_one_device(context: Any) -> bool:
    """Whether the computation that is being lowered runs on one device; for primitives that ask for them."""
    axes = context.module_context.axis_context
    mesh = getattr(axes, "mesh", None)
    if mesh is None:
        return getattr(axes, "num_devices", 1) == 1
    # Within a shard_map over all axes each device is on its own already.
    return set(axes.manual_axes) == set(mesh.axis_names) or mesh.size == 1


def _first(sharding: Any) -> Any:
    spec = sharding.spec
    return spec[0] if len(spec) else None


def _split(mesh: Any, axis: Any) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(axis))


def _names(context: Any, batched: tuple[bool, ...], summed: bool) -> list[list[str]]:
    """A name for each axis of each argument and of the result: "n" is the batch, all others are on their own."""
    shapes = [*context.avals_in, *context.avals_out]
    split = [*batched, not summed]
    return [["n" if axis == 0 and along else f"a{number}x{axis}" for axis in range(shape.ndim)]
            for number, (shape, along) in enumerate(zip(shapes, split, strict=True))]


def _rule(context: Any, batched: tuple[bool, ...], summed: bool) -> str:
    *arguments, result = (" ".join(names) for names in _names(context, batched, summed))
    return f"{', '.join(arguments)} -> {result}"


def _factors(context: Any, batched: tuple[bool, ...], summed: bool) -> dict[str, tuple[str, ...]]:
    own = tuple(name for names in _names(context, batched, summed) for name in names if name != "n")
    return {"need_replication_factors": own} | ({"reduction_factors": ("n",)} if summed else {})
