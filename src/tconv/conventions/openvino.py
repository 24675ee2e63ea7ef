"""What OpenVINO means by the attributes of `ConvolutionBackpropData`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError, UnsupportedError
from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, columns, short, unsupported_crop
from .crops import cropped, growths, named, pairs
from .layouts import from_channels_first, to_channels_first

__all__ = ["OPENVINO"]

NAMES = ("explicit", "same_upper", "same_lower", "valid", "notset")


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilations"] or 1,
                   groups=arguments["groups"])
    more = growths("openvino", bare, arguments["output_padding"] or 0)
    name = named("openvino", arguments["auto_pad"] or "explicit", NAMES)
    if arguments["output_shape"] is not None:
        if name not in ("same_upper", "same_lower"):
            given = f"output_shape is {list(arguments['output_shape'])} with auto_pad={name!r}"
            raise UnsupportedError(f"openvino: {given}, where its documentation and its CPU plugin crop differently; "
                                   "say 'same_lower', which crops an odd sample at the end, or leave output_shape out.")
        return _to_shape(bare, more, arguments["output_shape"], coarse, upper=name == "same_upper")
    explicit = arguments if name in ("explicit", "notset") else {}
    ends = (per_axis("openvino", key, explicit.get(key) or 0, bare.rank) for key in ("pads_begin", "pads_end"))
    crops = pairs("openvino", tuple(zip(*ends, strict=True)), bare.rank)
    return cropped(bare, tuple((lo, hi - entry) for (lo, hi), entry in zip(crops, more, strict=True)))


def _to_shape(spec: Spec, more: tuple[int, ...], shape: Any, coarse: tuple[int, ...] | None, *, upper: bool) -> Spec:
    """The crop that an output shape leaves; an odd sample at the start with `same_upper`, else at the end."""
    if coarse is None:
        raise SettingError(f"openvino: output_shape is {list(shape)}, whose crop depends on the input; give the "
                           "input's sizes.")
    found = []
    sizes = per_axis("openvino", "output_shape", tuple(shape), spec.rank)
    for axis, entry, size, wanted in zip(spec.axes, more, coarse, sizes, strict=True):
        lo = (max(axis.full(size) + entry - wanted, 0) + upper) // 2
        found.append((lo, axis.full(size) - wanted - lo))
    return cropped(spec, found)


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    for number, axis in enumerate(spec.axes):
        if axis.lo < 0 or axis.hi <= -axis.stride:
            raise unsupported_crop("openvino", axis, number, "pads are not negative, and output_padding, less than "
                                                             "the stride, "
                                   "only adds at the end")
    kernel, stride, dilation, crops = columns(spec)
    return {"kernel_size": list(kernel), "strides": list(stride), "pads_begin": [lo for lo, _ in crops],
            "pads_end": [max(hi, 0) for _, hi in crops], "dilations": list(dilation),
            "output_padding": [max(-hi, 0) for _, hi in crops], "groups": spec.groups}


def _into(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    """`(*K, D / groups, C)` to `(C, D, *K)`, or with groups to `(groups, C / groups, D / groups, *K)`."""
    first, groups = to_channels_first(kernel), arguments["groups"]
    return first if groups == 1 else first.reshape(groups, first.shape[0] // groups, *first.shape[1:])


def _out_of(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    kernel = kernel if arguments["groups"] == 1 else np.reshape(kernel, (-1, *kernel.shape[2:]))
    return from_channels_first(kernel)


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    plain = {"pads_begin": 0, "pads_end": 0, "dilations": 1, "output_padding": 0}
    said = [f"{key}={value!r}" for key, value in arguments.items()
            if key not in ("kernel_size", "groups") and short(value) != plain.get(key)]
    name = "convolution_backprop_data" if arguments["groups"] == 1 else "group_convolution_backprop_data"
    return f"openvino.opset13.{name}(x, kernel, {', '.join(said)})"


DEFAULTS = {"strides": 1, "output_shape": None, "pads_begin": None, "pads_end": None, "dilations": None,
            "auto_pad": None, "output_padding": None, "groups": 1}
PARAMETERS = ("data", "filters", "strides", "output_shape", "pads_begin", "pads_end", "dilations", "auto_pad",
              "output_padding", "name", "kernel_size", "groups")

OPENVINO = Convention(
    name="openvino",
    layers=tuple(Layer(name, None, PARAMETERS) for name in (
        "ConvolutionBackpropData", "GroupConvolutionBackpropData", "convolution_backprop_data",
        "group_convolution_backprop_data")),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D, *K); with groups (g, C / g, D / g, *K)",
    into=_into,
    out_of=_out_of,
    code=_code,
    versions="OpenVINO 2026.4.1",
)
