"""What Equinox means by its arguments."""

from __future__ import annotations

from typing import Any

from ..errors import SettingError, UnsupportedError
from ..geometry import Axis, Spec, per_axis, whole
from .convention import Arguments, Channels, Convention, Layer, Sizes, biased, call, columns, picked, shortened
from .crops import Crop, Crops, cropped, named, pads_name, pads_of, pairs
from .layouts import CHANNELS_FIRST, flipped, regrouped
from .steps import Steps

__all__ = ["EQUINOX", "EQUINOX_CONV"]

CONV_NAMES = ("VALID", "SAME", "SAME_LOWER")


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    if str(arguments["padding_mode"]).upper() != "ZEROS":
        raise UnsupportedError(f"equinox: padding_mode is {arguments['padding_mode']!r}, which wraps the input around "
                               f"and is no crop; pad the input yourself and take padding_mode='ZEROS'.")
    return Spec.of(arguments["kernel_size"], stride=arguments["stride"], dilation=arguments["dilation"],
                   groups=arguments["groups"])


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    bare = _bare(arguments)
    return cropped(bare, _crops(bare, arguments["padding"], arguments["output_padding"]))


def _crops(spec: Spec, padding: Any, output_padding: Any) -> Crops:
    more = per_axis("equinox", "output_padding", output_padding, spec.rank)
    for axis, entry in zip(spec.axes, more, strict=True):
        if whole("equinox", "output_padding", entry, 0) >= axis.stride:
            raise SettingError(f"equinox: output_padding is {entry}, but has to be less than the stride, "
                               f"{axis.stride}; for more samples take a smaller padding.")
    name = named("equinox", padding, ("VALID", "SAME", "SAME_LOWER"))
    if name in ("same", "same_lower"):
        return tuple(_same(axis, entry, name == "same_lower") for axis, entry in zip(spec.axes, more, strict=True))
    given = pairs("equinox", 0 if name else padding, spec.rank)
    return tuple((lo, hi - entry) for (lo, hi), entry in zip(given, more, strict=True))


def _same(axis: Axis, output_padding: int, lower: bool) -> Crop:
    """'SAME', where an output_padding makes the result smaller: `coarse * stride - output_padding` samples."""
    total = axis.reach - axis.stride + output_padding
    lo = (max(total, 0) + lower) // 2
    return lo, total - lo


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    return _geometry(spec) | {"output_padding": (0,) * spec.rank, "padding": _padding(columns(spec)[3])}


def _geometry(spec: Spec) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_size": kernel, "stride": stride, "dilation": dilation, "groups": spec.groups}


def _padding(crops: Crops) -> Any:
    """One number for each axis where both ends agree, else pairs."""
    return tuple(lo for lo, _ in crops) if all(lo == hi for lo, hi in crops) else crops


def _into(rank: int, arguments: Arguments) -> Steps:
    """`(*K, D / groups, C)` to `(D, C / groups, *K)`, every spatial axis turned round."""
    return flipped(rank), *regrouped(rank, arguments["groups"]), *CHANNELS_FIRST[0](rank, arguments)


def _out_of(rank: int, arguments: Arguments) -> Steps:
    return *CHANNELS_FIRST[1](rank, arguments), *regrouped(rank, arguments["groups"]), flipped(rank)


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    return _layer(f"ConvTranspose{spec.rank}d", arguments, channels, DEFAULTS)


def _layer(name: str, arguments: Arguments, channels: Channels, defaults: Arguments) -> str:
    said = shortened(arguments) | biased("use_bias", channels)
    first = [picked(channels.inputs, "in_channels"), picked(channels.outputs, "out_channels"), said.pop("kernel_size")]
    text = call(f"equinox.nn.{name}", first, said, {**defaults, "use_bias": True})
    return f"{text[:-1]}, key=key)"


def _channels(arguments: Arguments) -> Channels:
    return Channels(arguments.get("in_channels"), arguments.get("out_channels"), arguments.get("use_bias", True))


CONV_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "ZEROS"}
DEFAULTS = {**CONV_DEFAULTS, "output_padding": 0}
CHANNELS = ("in_channels", "out_channels", "kernel_size", "stride")
REST = ("dilation", "groups", "use_bias", "padding_mode", "dtype", "key")
VERSIONS = "Equinox 0.13.8"

EQUINOX = Convention(
    name="equinox",
    layers=(*(Layer(f"ConvTranspose{rank}d", rank, (*CHANNELS, "output_padding", "padding", *REST))
              for rank in (1, 2, 3)),
            Layer("ConvTranspose", None, ("num_spatial_dims", *CHANNELS, "padding", "output_padding", *REST))),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(D, C / g, *K), every spatial axis turned round",
    steps=(_into, _out_of),
    channels=_channels,
    data="(C, *I), no batch",
    code=_code,
    versions=VERSIONS,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare = _bare(arguments)
    return cropped(bare, pads_of("equinox", bare, arguments["padding"], fine, CONV_NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    crops = columns(spec)[3]
    same = pads_name(spec, fine, CONV_NAMES[1:]) if any(lo != hi for lo, hi in crops) else None
    return _geometry(spec) | {"padding": same or _padding(crops)}


EQUINOX_CONV = Convention(
    name="equinox",
    layers=(*(Layer(f"Conv{rank}d", rank, (*CHANNELS, "padding", *REST)) for rank in (1, 2, 3)),
            Layer("Conv", None, ("num_spatial_dims", *CHANNELS, "padding", *REST))),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    channels=_channels,
    data="(C, *I), no batch",
    code=lambda arguments, channels, spec: _layer(f"Conv{spec.rank}d", arguments, channels, CONV_DEFAULTS),
    versions=VERSIONS,
    transposed=False,
)
