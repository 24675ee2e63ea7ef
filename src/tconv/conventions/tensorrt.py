"""What TensorRT means by its layers' properties, as its documentation says; not run."""

from __future__ import annotations

from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, Sizes, columns, picked, short
from .crops import Crops
from .layouts import CHANNELS_FIRST
from .saying import unsigned_padding, unsupported_crop

__all__ = ["TENSORRT", "TENSORRT_CONV"]

PROPERTIES = {"stride": "stride_nd", "pre_padding": "pre_padding", "post_padding": "post_padding",
              "dilation": "dilation_nd", "groups": "num_groups"}
DEFAULTS = {"stride": 1, "pre_padding": 0, "post_padding": 0, "dilation": 1, "groups": 1}


def _spec(arguments: Arguments, sizes: Sizes) -> Spec:
    rank = len(arguments["kernel_size"])
    ends = [per_axis("tensorrt", key, arguments[key], rank) for key in ("pre_padding", "post_padding")]
    return Spec.of(arguments["kernel_size"], stride=arguments["stride"], dilation=arguments["dilation"],
                   crop=tuple(zip(*ends, strict=True)), groups=arguments["groups"])


def _geometry(spec: Spec, crops: Crops) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_size": kernel, "stride": stride, "pre_padding": tuple(lo for lo, _ in crops),
            "post_padding": tuple(hi for _, hi in crops), "dilation": dilation, "groups": spec.groups}


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    for number, axis in enumerate(spec.axes):
        if min(axis.crop) < 0:
            raise unsupported_crop("tensorrt", axis, number, "pre_padding and post_padding are not negative")
    return _geometry(spec, columns(spec)[3])


def _network(verb: str, arguments: Arguments, channels: Channels) -> str:
    bias = ", bias" * (channels.bias is not False)
    outputs = picked(channels.outputs, "out_channels")
    first = f"layer = network.{verb}(x, {outputs}, {tuple(arguments['kernel_size'])}, kernel{bias})"
    rest = [f"layer.{name} = {arguments[key]}" for key, name in PROPERTIES.items()
            if short(arguments.get(key, DEFAULTS[key])) != DEFAULTS[key]]
    return "\n".join([first, *rest])


TENSORRT = Convention(
    name="tensorrt",
    layers=(Layer("IDeconvolutionLayer", None, ("kernel_size", *DEFAULTS)),),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    code=lambda arguments, channels, spec: _network("add_deconvolution_nd", arguments, channels),
    run=False,
)

TENSORRT_CONV = Convention(
    name="tensorrt",
    layers=(Layer("IConvolutionLayer", None, ("kernel_size", *DEFAULTS)),),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=lambda spec, fine: _geometry(spec, unsigned_padding("tensorrt", spec, fine, "pre_padding and "
                                                                  "post_padding are not negative")),
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    code=lambda arguments, channels, spec: _network("add_convolution_nd", arguments, channels),
    run=False,
    transposed=False,
)
