"""What Equinox means by its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError, UnsupportedError
from ..geometry import Axis, Spec, per_axis, whole
from .convention import Arguments, Channels, Convention, Layer, biased, call, columns, picked, shortened
from .crops import Crop, Crops, cropped, named, pairs
from .layouts import flipped, regrouped

__all__ = ["EQUINOX"]


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    if str(arguments["padding_mode"]).upper() != "ZEROS":
        raise UnsupportedError(f"equinox: padding_mode is {arguments['padding_mode']!r}, which wraps the input around "
                               f"and is no crop; pad the input yourself and take padding_mode='ZEROS'.")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["stride"], dilation=arguments["dilation"],
                   groups=arguments["groups"])
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


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    kernel, stride, dilation, crops = columns(spec)
    even = all(lo == hi for lo, hi in crops)
    return {"kernel_size": kernel, "stride": stride, "output_padding": (0,) * spec.rank, "dilation": dilation,
            "padding": tuple(lo for lo, _ in crops) if even else crops, "groups": spec.groups}


def _into(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    """`(*K, D / groups, C)` to `(D, C / groups, *K)`, every spatial axis turned round."""
    return np.moveaxis(regrouped(flipped(kernel), arguments["groups"]), (-1, -2), (0, 1))


def _out_of(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    return flipped(regrouped(np.moveaxis(kernel, (0, 1), (-1, -2)), arguments["groups"]))


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    rank, said = len(arguments["kernel_size"]), shortened(arguments) | biased("use_bias", channels)
    first = [picked(channels.inputs, "in_channels"), picked(channels.outputs, "out_channels"), said.pop("kernel_size")]
    text = call(f"equinox.nn.ConvTranspose{rank}d", first, said, {**DEFAULTS, "use_bias": True})
    return f"{text[:-1]}, key=key)"


DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1, "padding_mode": "ZEROS"}
PARAMETERS = ("in_channels", "out_channels", "kernel_size", "stride", "output_padding", "padding", "dilation", "groups",
              "use_bias", "padding_mode", "dtype", "key")
GENERAL = ("num_spatial_dims", "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding",
           "dilation", "groups", "use_bias", "padding_mode", "dtype", "key")

EQUINOX = Convention(
    name="equinox",
    layers=(*(Layer(f"ConvTranspose{rank}d", rank, PARAMETERS) for rank in (1, 2, 3)),
            Layer("ConvTranspose", None, GENERAL)),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(D, C / g, *K), every spatial axis turned round",
    into=_into,
    out_of=_out_of,
    channels=lambda arguments: Channels(arguments.get("in_channels"), arguments.get("out_channels"),
                                        arguments.get("use_bias", True)),
    data="(C, *I), no batch",
    code=_code,
    versions="Equinox 0.13.8",
)
