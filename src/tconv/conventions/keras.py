"""What Keras 3 means by its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import SettingError
from ..geometry import Axis, Problem, Spec, per_axis
from . import crops as crop
from .convention import Arguments, Channels, Convention, Layer, Sizes, biased, call, columns, picked, shortened
from .crops import (
    Crop,
    Crops,
    around,
    cropped,
    fitting,
    from_crops,
    from_pads,
    named,
    pads_name,
    pads_of,
    pairs,
    to_size,
)
from .layouts import PLAIN
from .saying import groups_unsupported, unsupported_crop, unsupported_dilation

__all__ = ["KERAS", "KERAS_CONV", "conv_problem", "transposed_crops", "transposed_problem"]

TRANSPOSED_NAMES = ("valid", "same")
CONV_NAMES = ("valid", "same", "causal")


def transposed_problem(
    *,
    kernel_size: Sequence[int],
    strides: Any,
    padding: Any,
    output_padding: Any,
    dilation_rate: Any,
    groups: int,
    coarse: Sequence[int],
    output_size: Any = None,
) -> Problem:
    """The problem of `Conv1DTranspose`, `Conv2DTranspose` and `Conv3DTranspose`.

    Args:
        kernel_size: taps per axis.
        strides: samples, one for all axes or one each; goes with any dilation, other than in Keras.
        padding: "valid", "same"; other than in Keras also the crop itself: a number, or an entry per axis, a number
            or a pair `(lo, hi)`.
        output_padding: None, or samples (one for all axes or one each), less than the stride. It says what the size
            is, not what is added to it: 'same' without it gives `coarse * strides`.
        dilation_rate: samples, one for all axes or one each.
        groups: how many groups the channels fall into; Keras' own layers have one.
        coarse: input samples per axis.
        output_size: samples per axis, any of the `strides` sizes that a convolution takes to `coarse`; stands in for
            `output_padding`.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the crop leaves nothing, or the output size is out of reach.

    >>> transposed_problem(kernel_size=(3,), strides=2, padding="same", output_padding=None, dilation_rate=1, groups=1,
    ...                    coarse=(4,)).fine
    (8,)
    """
    where = "conv_transpose"
    spec = Spec.of(kernel_size, stride=strides, dilation=dilation_rate, groups=groups)
    name = named(where, padding, TRANSPOSED_NAMES)
    if output_size is not None:
        crops = None if name == "same" else pairs(where, 0 if name else padding, spec.rank)
        return to_size(where, spec, crops, coarse, output_size)
    return from_crops(spec, transposed_crops(spec, padding, output_padding), coarse)


def transposed_crops(spec: Spec, padding: Any, output_padding: Any) -> Crops:
    """The crop that Keras' padding and output_padding stand for; it does not depend on the size."""
    where = "conv_transpose"
    if output_padding is None:
        return crop.transposed_crops(where, spec, padding, TRANSPOSED_NAMES)
    name = named(where, padding, TRANSPOSED_NAMES)
    more = tuple(fitting(where, entry, axis.stride, "its stride") for axis, entry in
                 zip(spec.axes, per_axis(where, "output_padding", output_padding, spec.rank), strict=True))
    if name == "same":
        return tuple(_same(axis, entry) for axis, entry in zip(spec.axes, more, strict=True))
    crops = pairs(where, 0 if name else padding, spec.rank)
    return tuple((lo, hi - entry) for (lo, hi), entry in zip(crops, more, strict=True))


def _same(axis: Axis, output_padding: int) -> Crop:
    """'same' with an output_padding: `(coarse - 1) * stride + reach % 2 + output_padding` samples."""
    return around(axis.reach - axis.reach % 2 - output_padding)


def conv_problem(
    *, kernel_size: Sequence[int], strides: Any, padding: Any, dilation_rate: Any, groups: int, fine: Sequence[int]
) -> Problem:
    """The problem of `Conv1D`, `Conv2D` and `Conv3D`.

    Args:
        kernel_size: taps per axis.
        strides: samples, one for all axes or one each; goes with any dilation, other than in Keras.
        padding: "valid", "same", "causal" (one axis: all zeros in front); other than in Keras also the zeros
            themselves: a number, or an entry per axis, a number or a pair `(lo, hi)`.
        dilation_rate: samples, one for all axes or one each.
        groups: how many groups the channels fall into.
        fine: input samples per axis.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the kernel does not fit into the padded input.

    >>> conv_problem(kernel_size=(3,), strides=1, padding="causal", dilation_rate=2, groups=1, fine=(9,)).lo
    (4,)
    """
    spec = Spec.of(kernel_size, stride=strides, dilation=dilation_rate, groups=groups)
    return from_pads(spec, pads_of("conv", spec, padding, fine, CONV_NAMES), fine)


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilation_rate"],
                   groups=arguments.get("groups", 1))
    if _both(bare):
        raise SettingError(f"keras: strides is {arguments['strides']!r} with dilation_rate="
                           f"{arguments['dilation_rate']!r}, which Keras refuses together; leave one of them 1, or "
                           "take a layer of tconv.keras.")
    return bare


def _both(spec: Spec) -> bool:
    _, stride, dilation, _ = columns(spec)
    return max(stride) > 1 and max(dilation) > 1


def _check_dilation(spec: Spec) -> None:
    if _both(spec):
        _, stride, dilation, _ = columns(spec)
        raise unsupported_dilation("keras", f"strides {stride} with dilation_rate {dilation}",
                                   "Keras refuses the two together")


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    bare = _bare(arguments)
    named("keras", _word(arguments["padding"], TRANSPOSED_NAMES), TRANSPOSED_NAMES)
    return cropped(bare, transposed_crops(bare, arguments["padding"], arguments["output_padding"]))


def _word(padding: Any, names: Sequence[str]) -> str:
    if not isinstance(padding, str):
        raise SettingError(f"keras: padding is {padding!r}, but Keras takes a name, {' or '.join(map(repr, names))}; "
                           "tconv.keras takes numbers.")
    return padding


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    groups_unsupported("keras", spec, "tconv.keras has layers with groups")
    _check_dilation(spec)
    padding, output_padding = _said(spec)
    return {"kernel_size": kernel, "strides": stride, "padding": padding, "output_padding": output_padding,
            "dilation_rate": dilation}


def _said(spec: Spec) -> tuple[str, Any]:
    """The padding and output_padding that leave this crop."""
    for padding in ("same", "valid"):
        if _agrees(spec, padding, None):
            return padding, None
    for padding in ("same", "valid"):
        more = tuple(_output_padding(axis, padding) for axis in spec.axes)
        if _agrees(spec, padding, more):
            return padding, more
    number = next((n for n, axis in enumerate(spec.axes) if not _sayable(axis)), 0)
    says = "Keras has 'valid' and 'same' for all axes together, and output_padding less than the stride"
    raise unsupported_crop("keras", spec.axes[number], number, says)


def _output_padding(axis: Axis, padding: str) -> int:
    return -axis.hi if padding == "valid" else axis.reach - axis.reach % 2 - axis.lo - axis.hi


def _agrees(spec: Spec, padding: str, output_padding: Any) -> bool:
    try:
        crops = transposed_crops(spec, padding, output_padding)
    except SettingError:
        return False
    return crops == columns(spec)[3]


def _sayable(axis: Axis) -> bool:
    said = [(padding, more) for padding in ("same", "valid") for more in (None, (_output_padding(axis, padding),))]
    return any(_agrees(Spec((axis,)), *words) for words in said)


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    return _layer(f"Conv{spec.rank}DTranspose", arguments, channels, DEFAULTS)


def _layer(name: str, arguments: Arguments, channels: Channels, defaults: Arguments) -> str:
    said = shortened(arguments) | biased("use_bias", channels)
    first = [picked(channels.outputs, "filters"), said.pop("kernel_size")]
    return call(f"keras.layers.{name}", first, said, {**defaults, "use_bias": True})


def _cropping(code: str, crops: Sequence[Crop]) -> str:
    return f"keras.Sequential([{code}, keras.layers.Cropping{len(crops)}D({_pairs(crops)})])"


def _padding(code: str, crops: Sequence[Crop]) -> str:
    before = [f"keras.layers.{name}{len(crops)}D({_pairs(pads)})" for name, pads in (
        ("Cropping", [(max(-lo, 0), max(-hi, 0)) for lo, hi in crops]),
        ("ZeroPadding", [(max(lo, 0), max(hi, 0)) for lo, hi in crops])) if any(map(any, pads))]
    return f"keras.Sequential([{', '.join([*before, code])}])"


def _pairs(crops: Sequence[Crop]) -> Any:
    """One number where all ends agree, as Keras' layers take it."""
    ends = {end for crop in crops for end in crop}
    return ends.pop() if len(ends) == 1 else crops[0] if len(crops) == 1 else tuple(crops)


def _channels(arguments: Arguments) -> Channels:
    return Channels(None, arguments.get("filters"), arguments.get("use_bias", True))


def _axes(arguments: Arguments) -> str | None:
    return "(N, C, *I)" if arguments["data_format"] == "channels_first" else None


COMMON = {"strides": 1, "padding": "valid", "data_format": None, "dilation_rate": 1}
DEFAULTS = {**COMMON, "output_padding": None}
REST = (
    "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "kernel_constraint", "bias_constraint", "name", "dtype", "trainable",
)
PARAMETERS = ("filters", "kernel_size", "strides", "padding", "output_padding", "data_format", "dilation_rate", *REST)
VERSIONS = "Keras 3.15.1 on JAX, PyTorch and TensorFlow"

KERAS = Convention(
    name="keras",
    layers=tuple(Layer(f"Conv{rank}DTranspose", rank, PARAMETERS) for rank in (1, 2, 3)),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(*K, D, C)",
    steps=PLAIN,
    channels=_channels,
    data="(N, *I, C)",
    said_axes=_axes,
    code=_code,
    ends=_cropping,
    versions=VERSIONS,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare = _bare(arguments)
    padding = _word(arguments["padding"], CONV_NAMES)
    return cropped(bare, pads_of("keras", bare, padding, fine, CONV_NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    _check_dilation(spec)
    kernel, stride, dilation, _ = columns(spec)
    name = pads_name(spec, fine, CONV_NAMES if spec.rank == 1 else CONV_NAMES[:2])
    if name is None:
        number = next((number for number, axis in enumerate(spec.axes) if any(axis.crop)), 0)
        says = "Keras has 'valid' and 'same' for all axes together, and 'causal' on one axis"
        raise unsupported_crop("keras", spec.axes[number], number, says, transposed=False)
    return {"kernel_size": kernel, "strides": stride, "padding": name, "dilation_rate": dilation,
            "groups": spec.groups}


CONV_DEFAULTS = {**COMMON, "groups": 1}
KERAS_CONV = Convention(
    name="keras",
    layers=tuple(Layer(f"Conv{rank}D", rank, ("filters", "kernel_size", "strides", "padding", "data_format",
                                              "dilation_rate", "groups", *REST)) for rank in (1, 2, 3)),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(*K, D / g, C)",
    steps=PLAIN,
    channels=_channels,
    data="(N, *I, C)",
    said_axes=_axes,
    code=lambda arguments, channels, spec: _layer(f"Conv{spec.rank}D", arguments, channels, CONV_DEFAULTS),
    ends=_padding,
    versions=VERSIONS,
    transposed=False,
)
