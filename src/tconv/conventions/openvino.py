"""What OpenVINO means by the attributes of `ConvolutionBackpropData`."""

from __future__ import annotations

from typing import Any

from ..errors import UnsupportedError
from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, Sizes, columns, short
from .crops import Crops, cropped, growths, named, pads_of, pairs, wanting_sizes
from .layouts import CHANNELS_FIRST
from .saying import begin_end_more, unsigned_padding
from .steps import Other, Steps

__all__ = ["OPENVINO", "OPENVINO_CONV"]

NAMES = ("explicit", "same_upper", "same_lower", "valid", "notset")


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    return Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilations"] or 1,
                   groups=arguments["groups"])


def _explicit(arguments: Arguments, rank: int) -> Crops:
    ends = (per_axis("openvino", key, arguments[key] or 0, rank) for key in ("pads_begin", "pads_end"))
    return pairs("openvino", tuple(zip(*ends, strict=True)), rank)


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    bare = _bare(arguments)
    more = growths("openvino", bare, arguments["output_padding"] or 0)
    name = named("openvino", arguments["auto_pad"] or "explicit", NAMES)
    if arguments["output_shape"] is not None:
        if name not in ("same_upper", "same_lower"):
            given = f"output_shape is {list(arguments['output_shape'])} with auto_pad={name!r}"
            raise UnsupportedError(f"openvino: {given}, where its documentation and its CPU plugin crop differently; "
                                   "say 'same_lower', which crops an odd sample at the end, or leave output_shape out.")
        return _to_shape(bare, more, arguments["output_shape"], coarse, upper=name == "same_upper")
    crops = _explicit(arguments, bare.rank) if name in ("explicit", "notset") else ((0, 0),) * bare.rank
    return cropped(bare, tuple((lo, hi - entry) for (lo, hi), entry in zip(crops, more, strict=True)))


def _to_shape(spec: Spec, more: tuple[int, ...], shape: Any, coarse: Sizes, *, upper: bool) -> Spec:
    """The crop that an output shape leaves; an odd sample at the start with `same_upper`, else at the end."""
    if coarse is None:
        raise wanting_sizes("openvino", f"output_shape is {list(shape)}, whose crop depends")
    found = []
    sizes = per_axis("openvino", "output_shape", tuple(shape), spec.rank)
    for axis, entry, size, wanted in zip(spec.axes, more, coarse, sizes, strict=True):
        lo = (max(axis.full(size) + entry - wanted, 0) + upper) // 2
        found.append((lo, axis.full(size) - wanted - lo))
    return cropped(spec, found)


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    return _geometry(spec, *begin_end_more("openvino", spec)[:2]) | {
        "output_padding": begin_end_more("openvino", spec)[2], "groups": spec.groups}


def _geometry(spec: Spec, begin: list[int], end: list[int]) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_size": list(kernel), "strides": list(stride), "pads_begin": begin, "pads_end": end,
            "dilations": list(dilation)}


def _into(rank: int, arguments: Arguments) -> Steps:
    """`(*K, D / groups, C)` to `(C, D, *K)`, or with groups to `(groups, C / groups, D / groups, *K)`."""
    groups = arguments["groups"]
    split = Other(lambda kernel: kernel.reshape(groups, -1, *kernel.shape[1:]),
                  f"{{0}} = {{0}}.reshape({groups}, -1, *{{0}}.shape[1:])")
    return *CHANNELS_FIRST[0](rank, arguments), *((split,) * (groups > 1))


def _out_of(rank: int, arguments: Arguments) -> Steps:
    joined = Other(lambda kernel: kernel.reshape(-1, *kernel.shape[2:]), "{0} = {0}.reshape(-1, *{0}.shape[2:])")
    return *((joined,) * (arguments["groups"] > 1)), *CHANNELS_FIRST[1](rank, arguments)


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    name = "convolution_backprop_data" if spec.groups == 1 else "group_convolution_backprop_data"
    plain = {"pads_begin": 0, "pads_end": 0, "dilations": 1, "output_padding": 0}
    return _operation(name, arguments, plain)


def _operation(name: str, arguments: Arguments, plain: Arguments) -> str:
    said = [f"{key}={_said(key, value)}" for key, value in arguments.items()
            if key not in ("kernel_size", "groups") and value is not None and short(value) != plain.get(key)]
    return f"openvino.opset13.{name}({', '.join(['x', 'kernel', *said])})"


def _said(key: str, value: Any) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return f"openvino.opset13.constant({text})" if key == "output_shape" else text


CONV_DEFAULTS = {"strides": 1, "pads_begin": None, "pads_end": None, "dilations": None, "auto_pad": None, "groups": 1}
DEFAULTS = {**CONV_DEFAULTS, "output_shape": None, "output_padding": None}
PARAMETERS = ("data", "filters", "strides", "output_shape", "pads_begin", "pads_end", "dilations", "auto_pad",
              "output_padding", "name", "kernel_size", "groups")
CONV_PARAMETERS = ("data", "filters", "strides", "pads_begin", "pads_end", "dilations", "auto_pad", "name",
                   "kernel_size", "groups")
VERSIONS = "OpenVINO 2026.4.1"


def _laid(arguments: Arguments) -> str:
    return "(g, C / g, D / g, *K)" if arguments["groups"] > 1 else "(C, D / g, *K)"


def _besides(arguments: Arguments) -> int:
    return 2 + (arguments["groups"] > 1)


OPENVINO = Convention(
    name="openvino",
    layers=tuple(Layer(name, None, PARAMETERS) for name in (
        "ConvolutionBackpropData", "GroupConvolutionBackpropData", "convolution_backprop_data",
        "group_convolution_backprop_data")),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D, *K); with groups (g, C / g, D / g, *K)",
    said_layout=_laid,
    steps=(_into, _out_of),
    besides=_besides,
    channels=lambda arguments: Channels(bias=False),
    code=_code,
    versions=VERSIONS,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare, name = _bare(arguments), named("openvino", arguments["auto_pad"] or "explicit", NAMES)
    if name in ("explicit", "notset"):
        return cropped(bare, _explicit(arguments, bare.rank))
    return cropped(bare, pads_of("openvino", bare, name, fine, NAMES[1:4]))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    begin, end = zip(*unsigned_padding("openvino", spec, fine), strict=True)
    return _geometry(spec, list(begin), list(end)) | {"groups": spec.groups}


def _conv_code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    """All of its geometry, since the function has no defaults."""
    zeros, ones = [0] * spec.rank, [1] * spec.rank
    said = {"strides": ones, "pads_begin": zeros, "pads_end": zeros, "dilations": ones}
    said |= {key: value for key, value in arguments.items() if value is not None}
    return _operation("convolution" if spec.groups == 1 else "group_convolution", said, {})


OPENVINO_CONV = Convention(
    name="openvino",
    layers=tuple(Layer(name, None, CONV_PARAMETERS) for name in (
        "Convolution", "GroupConvolution", "convolution", "group_convolution")),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, D, *K); with groups (g, C / g, D / g, *K)",
    said_layout=_laid,
    steps=(_into, _out_of),
    besides=_besides,
    channels=lambda arguments: Channels(bias=False),
    code=_conv_code,
    versions=VERSIONS,
    transposed=False,
)
