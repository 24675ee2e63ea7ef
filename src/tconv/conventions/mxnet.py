"""What MXNet means by its arguments, as its documentation says; not run."""

from __future__ import annotations

from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, Sizes, call, columns, picked, short
from .crops import cropped, pairs, wanting_sizes
from .layouts import CHANNELS_FIRST
from .saying import padding_and_more, symmetric_padding

__all__ = ["MXNET", "MXNET_CONV"]


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    return Spec.of(arguments["kernel"], stride=arguments["stride"] or 1, dilation=arguments["dilate"] or 1,
                   groups=arguments["num_group"])


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    bare = _bare(arguments)
    if not arguments["target_shape"]:
        more = per_axis("mxnet", "adj", arguments["adj"] or 0, bare.rank)
        crops = pairs("mxnet", arguments["pad"] or 0, bare.rank)
        return cropped(bare, tuple((lo, hi - entry) for (lo, hi), entry in zip(crops, more, strict=True)))
    if coarse is None:
        raise wanting_sizes("mxnet", f"target_shape is {arguments['target_shape']}, whose crop depends")
    sizes = per_axis("mxnet", "target_shape", arguments["target_shape"], bare.rank)
    totals = [axis.full(size) - wanted for axis, size, wanted in zip(bare.axes, coarse, sizes, strict=True)]
    return cropped(bare, tuple(((total + 1) // 2, total // 2) for total in totals))


def _geometry(spec: Spec) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel": kernel, "stride": stride, "dilate": dilation, "num_group": spec.groups}


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    pad, adj = padding_and_more("mxnet", spec)
    return _geometry(spec) | {"pad": pad, "adj": adj}


def _operation(name: str, arguments: Arguments, channels: Channels, default: bool) -> str:
    """MXNet wants tuples; `default` is what it takes for no_bias."""
    plain = {"dilate": 1, "pad": 0, "adj": 0, "num_group": 1, "target_shape": None}
    said = {key: value for key, value in arguments.items() if short(value) != plain.get(key)}
    counts = f"num_filter={picked(channels.outputs, 'out_channels')}"
    bias = {} if channels.bias in (None, not default) else {"no_bias": not channels.bias}
    first = ["x", "kernel", *["bias"] * (channels.bias is not False), counts]
    return call(f"mxnet.nd.{name}", first, said | bias, {})


CONV_DEFAULTS = {"stride": None, "dilate": None, "pad": None, "num_group": 1}
COMMON = ("data", "weight", "bias", "kernel", "stride", "dilate", "pad")
REST = ("num_filter", "num_group", "workspace", "no_bias", "layout")

MXNET = Convention(
    name="mxnet",
    layers=(Layer("Deconvolution", None, (*COMMON, "adj", "target_shape", *REST)),),
    defaults={**CONV_DEFAULTS, "adj": None, "target_shape": None},
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    kernel_argument="kernel",
    channels=lambda arguments: Channels(None, arguments.get("num_filter"), not arguments.get("no_bias", True)),
    code=lambda arguments, channels, spec: _operation("Deconvolution", arguments, channels, True),
    run=False,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare = _bare(arguments)
    return cropped(bare, pairs("mxnet", arguments["pad"] or 0, bare.rank))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    return _geometry(spec) | {"pad": symmetric_padding("mxnet", spec, fine, "pad puts as many zeros at both ends")}


MXNET_CONV = Convention(
    name="mxnet",
    layers=(Layer("Convolution", None, (*COMMON, *REST)),),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    kernel_argument="kernel",
    channels=lambda arguments: Channels(None, arguments.get("num_filter"), not arguments.get("no_bias", False)),
    code=lambda arguments, channels, spec: _operation("Convolution", arguments, channels, False),
    run=False,
    transposed=False,
)
