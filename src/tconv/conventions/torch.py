"""What PyTorch means by its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import SettingError, UnsupportedError
from ..geometry import Problem, Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, Sizes, biased, call, columns, picked, shortened
from .crops import (
    Crop,
    cropped,
    extended,
    from_crops,
    from_pads,
    named,
    pads_name,
    pads_of,
    pairs,
    to_size,
    transposed_crops,
)
from .layouts import CHANNELS_FIRST
from .saying import padding_and_more, symmetric_padding

__all__ = ["TORCH", "TORCH_CONV", "conv_problem", "transposed_problem"]

CONV_NAMES = ("valid", "same")


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
    if name is not None and any(per_axis(where, "output_padding", output_padding, spec.rank)):
        raise SettingError(f"{where}: output_padding is {output_padding} with padding='same', which says the size "
                           "already; leave it 0, or give output_size.")
    crops = transposed_crops(where, spec, padding, ("same",))
    return from_crops(spec, extended(where, spec, crops, output_padding) if name is None else crops, coarse)


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
    return from_pads(spec, pads_of("conv", spec, padding, fine, CONV_NAMES), fine)


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    return Spec.of(arguments["kernel_size"], stride=arguments["stride"], dilation=arguments["dilation"],
                   groups=arguments["groups"])


def _numbers(padding: Any, rank: int) -> Any:
    """A padding that PyTorch's own layers take: one number for each axis."""
    entries = per_axis("torch", "padding", padding, rank)
    if any(isinstance(entry, list | tuple) for entry in entries):
        raise SettingError(f"torch: padding is {padding!r}, but PyTorch takes one number for both ends of an axis; "
                           "tconv.torch takes pairs.")
    return pairs("torch", entries, rank)


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    if arguments["padding_mode"] != "zeros":
        raise UnsupportedError(f"torch: padding_mode is {arguments['padding_mode']!r}, but a transposed convolution "
                               f"only has 'zeros'; pad or fold the result yourself.")
    bare, padding = _bare(arguments), arguments["padding"]
    if isinstance(padding, str):
        raise SettingError(f"torch: padding is {padding!r}, but a transposed convolution of PyTorch takes numbers; "
                           "tconv.torch takes 'same'.")
    return cropped(bare, extended("torch", bare, _numbers(padding, bare.rank), arguments["output_padding"]))


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    padding, output_padding = padding_and_more("torch", spec)
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_size": kernel, "stride": stride, "padding": padding, "output_padding": output_padding,
            "groups": spec.groups, "dilation": dilation}


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    return _layer(f"ConvTranspose{spec.rank}d", arguments, channels, DEFAULTS)


def _layer(name: str, arguments: Arguments, channels: Channels, defaults: Arguments) -> str:
    said = shortened(arguments) | biased("bias", channels)
    first = [picked(channels.inputs, "in_channels"), picked(channels.outputs, "out_channels"), said.pop("kernel_size")]
    return call(f"torch.nn.{name}", first, said, {**defaults, "bias": True})


def _padding(code: str, crops: Sequence[Crop]) -> str:
    pads = tuple(end for crop in reversed(crops) for end in crop)  # the last axis first
    return f"torch.nn.Sequential(torch.nn.ZeroPad{len(crops)}d({pads}), {code})"


def _channels(arguments: Arguments) -> Channels:
    return Channels(arguments.get("in_channels"), arguments.get("out_channels"), arguments.get("bias", True))


CONV_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros"}
DEFAULTS = {**CONV_DEFAULTS, "output_padding": 0}
PARAMETERS = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups", "bias", "dilation",
    "padding_mode", "device", "dtype",
)
CONV_PARAMETERS = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias", "padding_mode",
    "device", "dtype",
)
ARRAYS = ("input", "weight", "bias")
FUNCTION = (*ARRAYS, "stride", "padding", "output_padding", "groups", "dilation", "kernel_size")
CONV_FUNCTION = (*ARRAYS, "stride", "padding", "dilation", "groups", "kernel_size")
VERSIONS = "PyTorch 2.13.0"

TORCH = Convention(
    name="torch",
    layers=(*(Layer(f"ConvTranspose{rank}d", rank, PARAMETERS) for rank in (1, 2, 3)),
            *(Layer(f"conv_transpose{rank}d", rank, FUNCTION, function=True) for rank in (1, 2, 3))),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    channels=_channels,
    code=_code,
    versions=VERSIONS,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare, padding = _bare(arguments), arguments["padding"]
    if arguments["padding_mode"] != "zeros":
        raise UnsupportedError(f"torch: padding_mode is {arguments['padding_mode']!r}, which does not pad with zeros; "
                               "pad the input yourself (torch.nn.functional.pad), and leave padding 0.")
    if named("torch", padding, CONV_NAMES) is None:
        return cropped(bare, _numbers(padding, bare.rank))
    if padding == "same" and any(axis.stride > 1 for axis in bare.axes):
        raise SettingError(f"torch: padding is 'same' with stride={arguments['stride']!r}, which PyTorch refuses "
                           "together; give the padding as a number, or take a layer of tconv.torch.")
    return cropped(bare, pads_of("torch", bare, padding, fine, CONV_NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    said = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "groups": spec.groups}
    try:
        return said | {"padding": symmetric_padding("torch", spec, fine, "padding puts as many zeros at both ends")}
    except UnsupportedError:
        if max(stride) > 1 or pads_name(spec, fine, ("same",)) is None:
            raise
        return said | {"padding": "same"}


TORCH_CONV = Convention(
    name="torch",
    layers=(*(Layer(f"Conv{rank}d", rank, CONV_PARAMETERS) for rank in (1, 2, 3)),
            *(Layer(f"conv{rank}d", rank, CONV_FUNCTION, function=True) for rank in (1, 2, 3))),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    channels=_channels,
    code=lambda arguments, channels, spec: _layer(f"Conv{spec.rank}d", arguments, channels, CONV_DEFAULTS),
    ends=_padding,
    versions=VERSIONS,
    transposed=False,
)
