"""What TensorFlow's `tf.nn` functions mean by their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import SettingError
from ..geometry import Axis, Problem, Spec
from .convention import Arguments, Channels, Convention, Layer, Sizes, call, columns, picked, short
from .crops import Crop, around, cropped, from_pads, named, pads_name, pads_of, pairs, to_size
from .layouts import PLAIN
from .saying import groups_unsupported, unsigned_padding, unsupported_crop, unsupported_dilation

__all__ = ["TENSORFLOW", "TENSORFLOW_CONV", "conv_problem", "said_padding", "sliced",
           "spatial", "transposed_problem"]

NAMES = ("SAME", "VALID")


def spatial(value: Any, rank: int, *, channels_last: bool = True) -> Any:
    """The entries of the spatial axes, from a list that may also have one for the batch and one for the channels.

    >>> spatial([[0, 0], [1, 2], [3, 4], [0, 0]], 2)
    [[1, 2], [3, 4]]
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != rank + 2:
        return value
    return value[1:-1] if channels_last else value[2:]


def transposed_problem(
    *,
    kernel_size: Sequence[int],
    output_shape: Sequence[int],
    strides: Any,
    padding: Any,
    dilations: Any,
    groups: int,
    coarse: Sequence[int],
    channels_last: bool = True,
) -> Problem:
    """The problem of `tf.nn.conv1d_transpose` and its kin.

    Args:
        kernel_size: taps per axis.
        output_shape: samples per axis, with or without the batch and the channels around them. Any size that a
            convolution of this padding takes to `coarse`.
        strides: samples, one for all axes or one each, with or without those of batch and channels.
        padding: "SAME", "VALID", or pairs `[lo, hi]` per axis, with or without those of batch and channels.
        dilations: samples, as the strides.
        groups: how many groups the channels fall into.
        coarse: input samples per axis.
        channels_last: where the channels are in lists that have an entry for them.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the output shape is out of reach.

    >>> transposed_problem(kernel_size=(3,), output_shape=(7,), strides=2, padding="SAME", dilations=1, groups=1,
    ...                    coarse=(4,)).lo
    (1,)
    """
    where, spec = "conv_transpose", _spec(kernel_size, strides, dilations, groups, channels_last)
    sizes = spatial(output_shape, spec.rank, channels_last=channels_last)
    return to_size(where, spec, _crops(where, padding, spec.rank, channels_last), coarse, sizes)


def conv_problem(
    *,
    kernel_size: Sequence[int],
    strides: Any,
    padding: Any,
    dilations: Any,
    groups: int,
    fine: Sequence[int],
    channels_last: bool = True,
) -> Problem:
    """The problem of `tf.nn.conv1d` and its kin; arguments as in `transposed_problem`, `fine` the input's sizes."""
    spec = _spec(kernel_size, strides, dilations, groups, channels_last)
    padding = spatial(padding, spec.rank, channels_last=channels_last)
    return from_pads(spec, pads_of("conv", spec, padding, fine, NAMES), fine)


def _spec(kernel: Sequence[int], strides: Any, dilations: Any, groups: int, channels_last: bool) -> Spec:
    stride, dilation = (spatial(value, len(kernel), channels_last=channels_last) for value in (strides, dilations))
    return Spec.of(kernel, stride=stride, dilation=dilation, groups=groups)


def _crops(where: str, padding: Any, rank: int, channels_last: bool) -> Any:
    name = named(where, padding, NAMES)
    if name == "same":
        return None
    return pairs(where, 0 if name else spatial(padding, rank, channels_last=channels_last), rank)


def _last(arguments: Arguments) -> bool:
    return not str(arguments.get("data_format") or "").startswith("NC")


def _said(arguments: Arguments) -> Arguments:
    """What both layers say, as `conv_problem` and `transposed_problem` take it."""
    return {"kernel_size": arguments["kernel_size"], "strides": arguments["strides"], "groups": 1,
            "padding": arguments["padding"], "dilations": arguments["dilations"] or 1,
            "channels_last": _last(arguments)}


def _read(arguments: Arguments, coarse: Sizes) -> Spec:
    said, shape = _said(arguments), arguments["output_shape"]
    if shape is None:
        raise SettingError("tensorflow: output_shape is missing; give the output's size along each axis.")
    if coarse is None:
        fine = spatial(shape, len(said["kernel_size"]), channels_last=said["channels_last"])
        coarse = conv_problem(**said, fine=fine).coarse
    problem = transposed_problem(**said, output_shape=shape, coarse=coarse)
    return Spec(problem.axes, problem.groups)


def _write(spec: Spec, coarse: Sizes) -> Arguments:
    groups_unsupported("tensorflow", spec, "tconv.tensorflow's functions take groups")
    kernel, stride, dilation, _ = columns(spec)
    if max(dilation) > 1:
        raise unsupported_dilation("tensorflow", f"dilations {dilation}", "its CPU kernels take none in this layer")
    fine = None if coarse is None else tuple(axis.fine(size) for axis, size in zip(spec.axes, coarse, strict=True))
    return {"kernel_size": kernel, "output_shape": fine, "strides": stride, "padding": said_padding("tensorflow", spec),
            "dilations": dilation}


def said_padding(name: str, spec: Spec, *, explicit: bool = True) -> Any:
    """'SAME', 'VALID', or, on two axes, pairs: which of them, with an output shape, leaves this crop.

    Raises:
        UnsupportedError: if none does.
    """
    if all(-axis.stride < axis.reach - axis.stride - axis.lo - axis.hi <= 0 and axis.crop == around(axis.lo + axis.hi)
           for axis in spec.axes):
        return "SAME"
    if all(axis.lo == 0 and -axis.stride < axis.hi <= 0 for axis in spec.axes):
        return "VALID"
    wrong = (n for n, axis in enumerate(spec.axes) if not (explicit and spec.rank == 2 and _sayable(axis)))
    if (number := next(wrong, None)) is not None:
        pairs = ", and pairs of positive numbers only in conv2d_transpose" if explicit else ""
        raise unsupported_crop(name, spec.axes[number], number, "there are 'SAME' and 'VALID' for all axes together"
                               + pairs)
    return ((0, 0), *((axis.lo, max(axis.hi, 0)) for axis in spec.axes), (0, 0))


def _sayable(axis: Axis) -> bool:
    return axis.lo >= 0 and axis.hi > -axis.stride


def _channels(arguments: Arguments) -> Channels:
    shape, rank = tuple(arguments.get("output_shape") or ()), len(arguments["kernel_size"])
    outputs = shape[-1 if _last(arguments) else 1] if len(shape) == rank + 2 else None
    return Channels(None, outputs if isinstance(outputs, int) else None, False)


def _axes(arguments: Arguments) -> str | None:
    return None if _last(arguments) else "(N, C, *I)"


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    rank, last = spec.rank, _last(arguments)
    sizes = spatial(arguments["output_shape"], rank, channels_last=last)
    sizes = sizes or [_grown(axis, number) for number, axis in enumerate(spec.axes, 1 if last else 2)]
    around = [picked(channels.outputs, "out_channels")]
    shape = ", ".join(["x.shape[0]", *map(str, [*sizes, *around] if last else [*around, *sizes])])
    said = {key: short(arguments[key]) for key in ("strides", "padding", "dilations", "data_format")
            if arguments.get(key) is not None}
    return call(f"tf.nn.conv{rank}d_transpose", ["x", "kernel", f"output_shape=({shape})"], said, {"dilations": 1})


def _grown(axis: Axis, number: int) -> str:
    """The fine size as an expression of the coarse one, which is not known yet."""
    more = axis.reach - axis.stride - axis.lo - axis.hi
    times = f" * {axis.stride}" if axis.stride > 1 else ""
    return f"x.shape[{number}]{times}" + (f" {'+-'[more < 0]} {abs(more)}" if more else "")


def sliced(code: str, crops: Sequence[Crop]) -> str:
    """The line, with its result cut."""
    cuts = ", ".join(f"{lo or ''}:{-hi if hi else ''}" for lo, hi in crops)
    return f"{code}[:, {cuts}]"


def _padding(code: str, crops: Sequence[Crop]) -> str:
    """The input, padded; and where a number is negative, cut."""
    pads = ", ".join(f"({max(lo, 0)}, {max(hi, 0)})" for lo, hi in crops)
    cut = sliced("x", [(max(-lo, 0), max(-hi, 0)) for lo, hi in crops]) if min(map(min, crops)) < 0 else "x"
    return code.replace("(x,", f"(tf.pad({cut}, ((0, 0), {pads}, (0, 0))),", 1)


DEFAULTS = {"output_shape": None, "strides": 1, "padding": "SAME", "data_format": None, "dilations": None}
PARAMETERS = (
    "input", "filters", "output_shape", "strides", "padding", "data_format", "dilations", "name", "kernel_size",
)

TENSORFLOW = Convention(
    name="tensorflow",
    layers=(*(Layer(f"conv{rank}d_transpose", rank, PARAMETERS) for rank in (1, 2, 3)),
            Layer("conv_transpose", None, PARAMETERS)),
    defaults=DEFAULTS,
    spec=_read,
    arguments=_write,
    layout="(*K, D, C)",
    steps=PLAIN,
    channels=_channels,
    data="(N, *I, C)",
    said_axes=_axes,
    code=_code,
    ends=sliced,
    versions="TensorFlow 2.21.0 (its CPU kernels: no dilation)",
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    said = _said(arguments | {"strides": arguments["strides"] or arguments["stride"] or 1})
    last = said.pop("channels_last")
    spec = _spec(said["kernel_size"], said["strides"], said["dilations"], 1, last)
    padding = spatial(said["padding"], spec.rank, channels_last=last)
    return cropped(spec, pads_of("tensorflow", spec, padding, fine, NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    groups_unsupported("tensorflow", spec, "tconv.tensorflow's layers in Keras take groups")
    kernel, stride, dilation, _ = columns(spec)
    if max(dilation) > 1 and (spec.rank == 3 or max(stride) > 1):
        raise unsupported_dilation("tensorflow", f"dilations {dilation}", "its CPU kernels take none in conv3d, nor "
                                                                          "with a stride")
    padding: Any = pads_name(spec, fine, ("VALID", "SAME"))
    if padding is None:
        says = "there are 'SAME' and 'VALID' for all axes together, and pairs of positive numbers only in conv2d"
        if spec.rank != 2:
            number = next((number for number, axis in enumerate(spec.axes) if any(axis.crop)), 0)
            raise unsupported_crop("tensorflow", spec.axes[number], number, says, transposed=False)
        padding = ((0, 0), *unsigned_padding("tensorflow", spec, fine, says), (0, 0))
    return {"kernel_size": kernel, "strides": stride, "padding": padding, "dilations": dilation}


def _conv_code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    """conv1d says `stride`, and conv3d wants the batch and the channels among its strides."""
    strides = columns(spec)[1]
    said = {"stride" if spec.rank == 1 else "strides": (1, *strides, 1) if spec.rank == 3 else short(strides),
            **{key: short(arguments[key]) for key in ("padding", "dilations", "data_format")
               if arguments.get(key) is not None}}
    return call(f"tf.nn.conv{spec.rank}d", ["x", "kernel"], said, {"dilations": 1})


CONV_DEFAULTS = {"strides": None, "stride": None, "padding": "VALID", "data_format": None, "dilations": None}
CONV_PARAMETERS = ("input", "filters", "strides", "padding", "data_format", "dilations", "name", "kernel_size")

TENSORFLOW_CONV = Convention(
    name="tensorflow",
    layers=(Layer("conv1d", 1, ("input", "filters", "stride", *CONV_PARAMETERS[3:])),
            *(Layer(f"conv{rank}d", rank, CONV_PARAMETERS) for rank in (2, 3)),
            Layer("convolution", None, CONV_PARAMETERS)),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(*K, D, C)",
    steps=PLAIN,
    channels=lambda arguments: Channels(bias=False),
    data="(N, *I, C)",
    said_axes=_axes,
    code=_conv_code,
    ends=_padding,
    versions="TensorFlow 2.21.0",
    transposed=False,
)
