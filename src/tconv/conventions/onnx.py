"""What ONNX means by the attributes of `ConvTranspose`."""

from __future__ import annotations

from typing import Any

from ..errors import SettingError
from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, Sizes, columns, short
from .crops import Crop, Crops, begin_end, cropped, growths, named, pads_of, wanting_sizes
from .layouts import CHANNELS_FIRST
from .saying import begin_end_more, unsigned_padding

__all__ = ["ONNX", "ONNX_CONV"]

NAMES = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    if (arguments["auto_pad"] or "NOTSET") != "NOTSET" and any(arguments["pads"] or ()):
        raise SettingError(f"onnx: pads is {list(arguments['pads'])} with auto_pad={arguments['auto_pad']!r}, which "
                           "the standard forbids together; leave one of them out.")
    return Spec.of(arguments["kernel_shape"], stride=tuple(arguments["strides"] or ()) or 1,
                   dilation=tuple(arguments["dilations"] or ()) or 1, groups=arguments["group"])


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    bare = _bare(arguments)
    more = growths("onnx", bare, arguments["output_padding"] or 0)
    name = named("onnx", arguments["auto_pad"], NAMES)
    if arguments["output_shape"]:
        return cropped(bare, _to_shape(bare, more, arguments["output_shape"], coarse, upper=name == "same_upper"))
    if name in ("same_upper", "same_lower"):
        rows = zip(bare.axes, more, strict=True)
        return cropped(bare, tuple(_left(axis.reach - axis.stride, entry, name == "same_upper")
                                   for axis, entry in rows))
    pads = begin_end("onnx", 0 if name == "valid" else arguments["pads"] or 0, bare.rank)
    return cropped(bare, tuple((lo, hi - entry) for (lo, hi), entry in zip(pads, more, strict=True)))


def _left(total: int, output_padding: int, upper: bool) -> Crop:
    """A total crop shared between both ends, `SAME_UPPER` with an odd sample at the end, all others at the start.

    An output_padding counts as more to share, but is then given back at the end: the size stays.
    """
    pads = max(total + output_padding, 0)
    lo = pads // 2 if upper else (pads + 1) // 2
    return lo, total - lo


def _to_shape(spec: Spec, more: tuple[int, ...], shape: Any, coarse: Sizes, *, upper: bool) -> Crops:
    if coarse is None:
        raise wanting_sizes("onnx", f"output_shape is {list(shape)}, whose crop depends")
    sizes = per_axis("onnx", "output_shape", tuple(shape[-spec.rank:]), spec.rank)
    found = []
    for axis, entry, size, wanted in zip(spec.axes, more, coarse, sizes, strict=True):
        found.append(_left(axis.full(size) - wanted, entry, upper))
    return tuple(found)


def _geometry(spec: Spec) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_shape": list(kernel), "strides": list(stride), "dilations": list(dilation), "group": spec.groups}


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    begin, end, more = begin_end_more("onnx", spec)
    return _geometry(spec) | {"pads": begin + end, "output_padding": more}


def _node(name: str, arguments: Arguments, channels: Channels) -> str:
    plain = {"strides": 1, "dilations": 1, "group": 1, "pads": 0, "output_padding": 0, "auto_pad": "NOTSET"}
    said = [f"{key}={list(value) if isinstance(value, tuple) else value!r}" for key, value in arguments.items()
            if value is not None and short(value) != plain.get(key)]
    inputs = ["x", "kernel"] + ["bias"] * (channels.bias is not False)
    return f"onnx.helper.make_node('{name}', {inputs}, ['y'], {', '.join(said)})"


CONV_DEFAULTS = {"auto_pad": "NOTSET", "dilations": None, "group": 1, "pads": None, "strides": None}
DEFAULTS = {**CONV_DEFAULTS, "output_padding": None, "output_shape": None}
VERSIONS = "onnx 1.23.2 by ONNX Runtime 1.31.1"

ONNX = Convention(
    name="onnx",
    layers=(Layer("ConvTranspose", None, (*DEFAULTS, "kernel_shape")),),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    kernel_argument="kernel_shape",
    code=lambda arguments, channels, spec: _node("ConvTranspose", arguments, channels),
    versions=VERSIONS,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare, name = _bare(arguments), named("onnx", arguments["auto_pad"], NAMES)
    if name == "notset":
        return cropped(bare, begin_end("onnx", arguments["pads"] or 0, bare.rank))
    return cropped(bare, pads_of("onnx", bare, name, fine, NAMES[1:]))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    begin, end = zip(*unsigned_padding("onnx", spec, fine), strict=True)
    return _geometry(spec) | {"pads": [*begin, *end]}


ONNX_CONV = Convention(
    name="onnx",
    layers=(Layer("Conv", None, (*CONV_DEFAULTS, "kernel_shape")),),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    kernel_argument="kernel_shape",
    code=lambda arguments, channels, spec: _node("Conv", arguments, channels),
    versions=VERSIONS,
    transposed=False,
)
