"""What Flax (linen) means by its arguments: `lax.conv_transpose`, with its older meaning of numbers."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..geometry import Spec
from .convention import (
    Arguments,
    Channels,
    Convention,
    Layer,
    biased,
    call,
    columns,
    groups_unsupported,
    picked,
    shortened,
)
from .crops import cropped
from .jax import as_correlation, padding_name, transposed_crops

__all__ = ["FLAX"]


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    if str(arguments["padding"]).upper() == "CIRCULAR":
        raise UnsupportedError("flax: padding is 'CIRCULAR', which wraps the result around and is no crop; take "
                               "padding='VALID' and fold the ends onto each other.")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"] or 1,
                   dilation=arguments["kernel_dilation"] or 1)
    return cropped(bare, transposed_crops(bare, arguments["padding"], False))


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    groups_unsupported("flax", spec, "take lax.conv_general_dilated with lhs_dilation and feature_group_count")
    kernel, stride, dilation, crops = columns(spec)
    pads = tuple((axis.reach - 1 - lo, axis.reach - 1 - hi) for axis, (lo, hi) in zip(spec.axes, crops, strict=True))
    return {"kernel_size": kernel, "strides": stride, "padding": padding_name(spec) or pads,
            "kernel_dilation": dilation, "transpose_kernel": True}


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    said = arguments | biased("use_bias", channels)
    first = [picked(channels.outputs, "features"), said.pop("kernel_size")]
    for key in ("strides", "kernel_dilation"):
        said[key] = None if shortened(said)[key] == 1 else said[key]
    return call("flax.linen.ConvTranspose", first, said, {**DEFAULTS, "use_bias": True})


DEFAULTS = {"strides": None, "padding": "SAME", "kernel_dilation": None, "transpose_kernel": False}
PARAMETERS = (
    "features", "kernel_size", "strides", "padding", "kernel_dilation", "use_bias", "mask", "dtype", "param_dtype",
    "precision", "kernel_init", "bias_init", "transpose_kernel", "promote_dtype", "preferred_element_type", "name",
)

FLAX = Convention(
    name="flax",
    layers=(Layer("ConvTranspose", None, PARAMETERS),),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(*K, D, C) with transpose_kernel=True; without it (*K, C, D), every spatial axis turned round",
    into=as_correlation,
    out_of=as_correlation,
    channels=lambda arguments: Channels(None, arguments.get("features"), arguments.get("use_bias", True)),
    data="(N, *I, C)",
    code=_code,
    versions="flax 0.12.8",
)
