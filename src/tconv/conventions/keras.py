"""What Keras 3 means by its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import SettingError, UnsupportedError
from ..geometry import Axis, Problem, Spec, per_axis
from .convention import (
    Arguments,
    Channels,
    Convention,
    Layer,
    biased,
    call,
    columns,
    groups_unsupported,
    picked,
    shortened,
    unsupported_crop,
)
from .crops import Crop, Crops, around, cropped, fitting, from_crops, from_pads, named, pairs, same, same_conv, to_size
from .layouts import plain

__all__ = ["KERAS", "conv_problem", "transposed_problem"]


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
    name = named(where, padding, ("valid", "same"))
    if output_size is not None:
        crops = None if name == "same" else pairs(where, 0 if name else padding, spec.rank)
        return to_size(where, spec, crops, coarse, output_size)
    return from_crops(spec, transposed_crops(spec, padding, output_padding), coarse)


def transposed_crops(spec: Spec, padding: Any, output_padding: Any) -> Crops:
    """The crop that Keras' padding and output_padding stand for; it does not depend on the size."""
    where = "conv_transpose"
    name = named(where, padding, ("valid", "same"))
    if output_padding is None:
        if name == "same":
            return same(spec)
        if name == "valid":
            return tuple((0, min(axis.reach - axis.stride, 0)) for axis in spec.axes)
        return pairs(where, padding, spec.rank)
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
    name = named("conv", padding, ("valid", "same", "causal"))
    if name == "same":
        return from_pads(spec, same_conv(spec, fine), fine)
    if name == "causal":
        if spec.rank != 1:
            raise SettingError(f"conv: padding is 'causal' on {spec.rank} axes, but that is for one axis; "
                               "give a pair (lo, hi) for each axis.")
        return from_pads(spec, ((spec.axes[0].reach - 1, 0),), fine)
    return from_pads(spec, pairs("conv", 0 if name else padding, spec.rank), fine)


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilation_rate"])
    return cropped(bare, transposed_crops(bare, arguments["padding"], arguments["output_padding"]))


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    groups_unsupported("keras", spec, "tconv.keras has layers with groups")
    if max(stride) > 1 and max(dilation) > 1:
        raise UnsupportedError(f"keras: strides {stride} with dilation_rate {dilation} cannot be said, since Keras "
                               f"refuses the two together; write the dilation out as zeros between the taps "
                               "(conventions.write_out_dilation).")
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
    rank = len(arguments["kernel_size"])
    said = shortened(arguments) | biased("use_bias", channels)
    first = [picked(channels.outputs, "filters"), said.pop("kernel_size")]
    return call(f"keras.layers.Conv{rank}DTranspose", first, said, {**DEFAULTS, "use_bias": True})


def _cropping(code: str, crops: Sequence[Crop]) -> str:
    crop = crops[0] if len(crops) == 1 else tuple(crops)
    return f"keras.Sequential([{code}, keras.layers.Cropping{len(crops)}D({crop})])"


DEFAULTS = {"strides": 1, "padding": "valid", "output_padding": None, "dilation_rate": 1}
PARAMETERS = (
    "filters", "kernel_size", "strides", "padding", "output_padding", "data_format", "dilation_rate", "activation",
    "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "kernel_constraint", "bias_constraint", "name", "dtype", "trainable",
)

KERAS = Convention(
    name="keras",
    layers=tuple(Layer(f"Conv{rank}DTranspose", rank, PARAMETERS) for rank in (1, 2, 3)),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout="(*K, D, C)",
    into=plain,
    out_of=plain,
    channels=lambda arguments: Channels(None, arguments.get("filters"), arguments.get("use_bias", True)),
    data="(N, *I, C)",
    code=_code,
    after=_cropping,
    versions="Keras 3.15.1 on JAX, PyTorch and TensorFlow",
)
