"""What PyTorch means by its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import SettingError, UnsupportedError
from ..geometry import Problem, Spec, per_axis
from .convention import (
    Arguments,
    Channels,
    Convention,
    Layer,
    biased,
    call,
    columns,
    picked,
    shortened,
    unsupported_crop,
)
from .crops import cropped, extended, from_crops, from_pads, named, pairs, same, same_conv, to_size
from .layouts import from_channels_first, to_channels_first

__all__ = ["TORCH", "conv_problem", "transposed_problem"]


def transposed_problem(
    *,
    kernel_size: Sequence[int],
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
    coarse: Sequence[int],
    output_size: Any = None,
) -> Problem:
    """The problem of `ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d`.

    Args:
        kernel_size: taps per axis.
        stride: samples, one for all axes or one each.
        padding: samples cut off both ends, one for all axes or one each; other than in PyTorch also a pair
            `(lo, hi)` per axis, or "same": `coarse * stride` samples, an odd sample cut at the end.
        output_padding: samples less cut at the end, less than the stride or the dilation; 0 with "same".
        dilation: samples, one for all axes or one each.
        groups: how many groups the channels fall into.
        coarse: input samples per axis.
        output_size: samples per axis, any of the `stride` sizes that a convolution takes to `coarse`; stands in for
            `output_padding`.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the crop leaves nothing, or the output size is out of reach.

    >>> transposed_problem(kernel_size=(3,), stride=2, padding=1, output_padding=1, dilation=1, groups=1,
    ...                    coarse=(4,)).fine
    (8,)
    """
    where = "conv_transpose"
    spec = Spec.of(kernel_size, stride=stride, dilation=dilation, groups=groups)
    name = named(where, padding, ("same",))
    if output_size is not None:
        return to_size(where, spec, None if name else pairs(where, padding, spec.rank), coarse, output_size)
    if name is None:
        return from_crops(spec, extended(where, spec, pairs(where, padding, spec.rank), output_padding), coarse)
    if any(per_axis(where, "output_padding", output_padding, spec.rank)):
        raise SettingError(f"{where}: output_padding is {output_padding} with padding='same', which says the size "
                           "already; leave it 0, or give output_size.")
    return from_crops(spec, same(spec), coarse)


def conv_problem(
    *, kernel_size: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int, fine: Sequence[int]
) -> Problem:
    """The problem of `Conv1d`, `Conv2d` and `Conv3d`.

    Args:
        kernel_size: taps per axis.
        stride: samples, one for all axes or one each.
        padding: zeros at both ends, one number for all axes or one each, "valid" or "same"; other than in PyTorch
            also a pair `(lo, hi)` per axis, and "same" with any stride: `ceil(fine / stride)` samples.
        dilation: samples, one for all axes or one each.
        groups: how many groups the channels fall into.
        fine: input samples per axis.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the kernel does not fit into the padded input.

    >>> conv_problem(kernel_size=(4,), stride=1, padding="same", dilation=1, groups=1, fine=(9,)).coarse
    (9,)
    """
    spec = Spec.of(kernel_size, stride=stride, dilation=dilation, groups=groups)
    name = named("conv", padding, ("valid", "same"))
    if name == "same":
        return from_pads(spec, same_conv(spec, fine), fine)
    return from_pads(spec, pairs("conv", 0 if name else padding, spec.rank), fine)


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    if arguments["padding_mode"] != "zeros":
        raise UnsupportedError(f"torch: padding_mode is {arguments['padding_mode']!r}, but a transposed convolution "
                               f"only has 'zeros'; pad or fold the result yourself.")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["stride"], dilation=arguments["dilation"],
                   groups=arguments["groups"])
    padding = arguments["padding"]
    crops = same(bare) if named("torch", padding, ("same",)) else pairs("torch", padding, bare.rank)
    return cropped(bare, extended("torch", bare, crops, arguments["output_padding"]))


def said_padding(name: str, spec: Spec) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The padding and output_padding that leave this crop.

    Raises:
        UnsupportedError: if none do; `name` is whose they are.
    """
    for number, axis in enumerate(spec.axes):
        if axis.lo < 0 or not 0 <= axis.lo - axis.hi < max(axis.stride, axis.dilation):
            raise unsupported_crop(name, axis, number, "padding cuts both ends alike, and output_padding, less than "
                                   "the stride or the dilation, only gives back at the end")
    crops = columns(spec)[3]
    return tuple(lo for lo, _ in crops), tuple(lo - hi for lo, hi in crops)


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    padding, output_padding = said_padding("torch", spec)
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_size": kernel, "stride": stride, "padding": padding, "output_padding": output_padding,
            "groups": spec.groups, "dilation": dilation}


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    rank = len(arguments["kernel_size"])
    said = shortened(arguments) | biased("bias", channels)
    first = [picked(channels.inputs, "in_channels"), picked(channels.outputs, "out_channels"), said.pop("kernel_size")]
    return call(f"torch.nn.ConvTranspose{rank}d", first, said, {**DEFAULTS, "bias": True})


DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1, "padding_mode": "zeros"}
PARAMETERS = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups", "bias", "dilation",
    "padding_mode", "device", "dtype",
)

TORCH = Convention(
    name="torch",
    layers=tuple(Layer(f"ConvTranspose{rank}d", rank, PARAMETERS) for rank in (1, 2, 3)),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    into=to_channels_first,
    out_of=from_channels_first,
    channels=lambda arguments: Channels(arguments.get("in_channels"), arguments.get("out_channels"),
                                        arguments.get("bias", True)),
    code=_code,
    versions="PyTorch 2.13.0",
)
