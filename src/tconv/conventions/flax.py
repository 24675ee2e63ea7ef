"""What Flax means by its arguments, linen and nnx alike: `lax.conv_transpose`, with its older meaning of numbers."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..geometry import Spec
from .convention import Arguments, Channels, Convention, Layer, Sizes, biased, call, columns, picked, shortened
from .crops import cropped, pads_name, pads_of
from .jax import CORRELATED, CORRELATED_LAYOUT, correlated_layout, padding_name, transposed_crops, turned
from .layouts import PLAIN
from .saying import groups_unsupported

__all__ = ["FLAX", "FLAX_CONV"]

CONV_NAMES = ("VALID", "SAME", "CAUSAL")


def _check_circular(padding: object, what: str) -> None:
    if str(padding).upper() == "CIRCULAR":
        raise UnsupportedError(f"flax: padding is 'CIRCULAR', which wraps {what}.")


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    _check_circular(arguments["padding"], "the result around and is no crop; take padding='VALID' and fold the ends "
                                          "onto each other")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"] or 1,
                   dilation=arguments["kernel_dilation"] or 1)
    return cropped(bare, transposed_crops(bare, arguments["padding"], False))


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    groups_unsupported("flax", spec, "take lax.conv_general_dilated with lhs_dilation and feature_group_count")
    kernel, stride, dilation, crops = columns(spec)
    return {"kernel_size": kernel, "strides": stride, "padding": padding_name(spec) or turned(spec, crops),
            "kernel_dilation": dilation, "transpose_kernel": True}


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    return _layer("ConvTranspose", arguments, channels, DEFAULTS)


def _layer(name: str, arguments: Arguments, channels: Channels, defaults: Arguments) -> str:
    said = arguments | biased("use_bias", channels)
    first = [picked(channels.outputs, "features"), said.pop("kernel_size")]
    for key in ("strides", "kernel_dilation"):
        said[key] = None if shortened(said).get(key) in (1, None) else said[key]
    return call(f"flax.linen.{name}", first, said, {**defaults, "use_bias": True})


def _channels(arguments: Arguments) -> Channels:
    outputs = arguments.get("features", arguments.get("out_features"))
    return Channels(arguments.get("in_features"), outputs, arguments.get("use_bias", True))


DEFAULTS = {"strides": None, "padding": "SAME", "kernel_dilation": None, "transpose_kernel": False}
PARAMETERS = (
    "features", "kernel_size", "strides", "padding", "kernel_dilation", "use_bias", "mask", "dtype", "param_dtype",
    "precision", "kernel_init", "bias_init", "transpose_kernel", "promote_dtype", "preferred_element_type", "name",
)
NNX = ("in_features", "out_features", "kernel_size", "strides", "padding")
NNX_REST = ("use_bias", "mask", "dtype", "param_dtype", "precision", "kernel_init", "bias_init", "rngs")
VERSIONS = "flax 0.12.8"

FLAX = Convention(
    name="flax",
    layers=(Layer("ConvTranspose", None, PARAMETERS),
            Layer("nnx.ConvTranspose", None, (*NNX, "kernel_dilation", "transpose_kernel", *NNX_REST))),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout=CORRELATED_LAYOUT,
    said_layout=correlated_layout,
    steps=CORRELATED,
    channels=_channels,
    data="(N, *I, C)",
    code=_code,
    versions=VERSIONS,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    _check_circular(arguments["padding"], "the input around; pad it yourself and take padding='VALID'")
    stretch = arguments["input_dilation"]
    if stretch not in (None, 1) and set(stretch) != {1}:
        raise UnsupportedError(f"flax: input_dilation is {stretch!r}, which makes a transposed convolution of it; "
                               "write it as flax.linen.ConvTranspose.")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"] or 1, groups=arguments["feature_group_count"],
                   dilation=arguments["kernel_dilation"] or 1)
    return cropped(bare, pads_of("flax", bare, arguments["padding"], fine, CONV_NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    kernel, stride, dilation, crops = columns(spec)
    names = CONV_NAMES if spec.rank == 1 else CONV_NAMES[:2]
    return {"kernel_size": kernel, "strides": stride, "padding": pads_name(spec, fine, names) or crops,
            "kernel_dilation": dilation, "feature_group_count": spec.groups}


CONV_PARAMETERS = (
    "features", "kernel_size", "strides", "padding", "input_dilation", "kernel_dilation", "feature_group_count",
    "use_bias", "mask", "dtype", "param_dtype", "precision", "kernel_init", "bias_init", "promote_dtype", "name",
)
CONV_DEFAULTS = {"strides": None, "padding": "SAME", "input_dilation": None, "kernel_dilation": None,
                 "feature_group_count": 1}

FLAX_CONV = Convention(
    name="flax",
    layers=(Layer("Conv", None, CONV_PARAMETERS),
            Layer("nnx.Conv", None, (*NNX, "input_dilation", "kernel_dilation", "feature_group_count", *NNX_REST))),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(*K, D / g, C)",
    steps=PLAIN,
    channels=_channels,
    data="(N, *I, C)",
    code=lambda arguments, channels, spec: _layer("Conv", arguments, channels, CONV_DEFAULTS),
    versions=VERSIONS,
    transposed=False,
)
