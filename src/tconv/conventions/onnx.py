"""What ONNX means by the attributes of `ConvTranspose`."""

from __future__ import annotations

from typing import Any

from ..errors import SettingError
from ..geometry import Axis, Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, columns, short, unsupported_crop
from .crops import Crop, Crops, cropped, growths, named
from .layouts import from_channels_first, to_channels_first

__all__ = ["ONNX", "begin_end"]

NAMES = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def begin_end(where: str, pads: Any, rank: int) -> Crops:
    """`[b1, b2, ..., e1, e2, ...]` as one `(lo, hi)` for each axis.

    >>> begin_end("onnx", [0, 1, 2, 3], 2)
    ((0, 2), (1, 3))
    """
    flat = per_axis(where, "pads", pads, 2 * rank)
    return tuple(Axis(1, crop=pair).crop for pair in zip(flat[:rank], flat[rank:], strict=True))


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    bare = Spec.of(arguments["kernel_shape"], stride=tuple(arguments["strides"] or ()) or 1,
                   dilation=tuple(arguments["dilations"] or ()) or 1, groups=arguments["group"])
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


def _to_shape(spec: Spec, more: tuple[int, ...], shape: Any, coarse: tuple[int, ...] | None, *, upper: bool) -> Crops:
    if coarse is None:
        raise SettingError(f"onnx: output_shape is {list(shape)}, whose crop depends on the input; give the input's "
                           "sizes.")
    sizes = per_axis("onnx", "output_shape", tuple(shape[-spec.rank:]), spec.rank)
    found = []
    for axis, entry, size, wanted in zip(spec.axes, more, coarse, sizes, strict=True):
        found.append(_left(axis.full(size) - wanted, entry, upper))
    return tuple(found)


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    for number, axis in enumerate(spec.axes):
        if axis.lo < 0 or axis.hi <= -axis.stride:
            raise unsupported_crop("onnx", axis, number, "pads are not negative, and output_padding, less than the "
                                                         "stride, only "
                                   "adds at the end")
    kernel, stride, dilation, crops = columns(spec)
    pads = [lo for lo, _ in crops] + [max(hi, 0) for _, hi in crops]
    return {"kernel_shape": list(kernel), "strides": list(stride), "dilations": list(dilation), "group": spec.groups,
            "pads": pads, "output_padding": [max(-hi, 0) for _, hi in crops]}


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    plain = {"strides": 1, "dilations": 1, "group": 1, "pads": 0, "output_padding": 0}
    said = [f"{key}={value!r}" for key, value in arguments.items() if short(value) != plain.get(key)]
    inputs = ["x", "kernel"] + ["bias"] * (channels.bias is not False)
    return f"onnx.helper.make_node('ConvTranspose', {inputs}, ['y'], {', '.join(said)})"


DEFAULTS = {"auto_pad": "NOTSET", "dilations": None, "group": 1, "output_padding": None, "output_shape": None,
            "pads": None, "strides": None}

ONNX = Convention(
    name="onnx",
    layers=(Layer("ConvTranspose", None, (*DEFAULTS, "kernel_shape")),),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    into=to_channels_first,
    out_of=from_channels_first,
    kernel_argument="kernel_shape",
    code=_code,
    versions="onnx 1.23.2 by ONNX Runtime 1.31.1",
)
