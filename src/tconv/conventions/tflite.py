"""What TensorFlow Lite means by its operators' options, as its documentation says; not run."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError
from ..geometry import Spec
from .convention import Arguments, Channels, Convention, Layer, Sizes, columns, picked
from .crops import cropped, pads_name, pads_of
from .layouts import moved
from .saying import groups_unsupported, unsupported_crop, unsupported_dilation
from .tensorflow import TENSORFLOW, said_padding, sliced

__all__ = ["TFLITE", "TFLITE_CONV"]

NAMES = ("SAME", "VALID")
OHWI = moved(lambda rank: (rank, *range(rank), rank + 1))  # (*K, D, C) to (D, *K, C)
CONV_OHWI = moved(lambda rank: (rank + 1, *range(rank), rank))  # (*K, D, C) to (C, *K, D)


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    said = {key: arguments[key] for key in ("kernel_size", "output_shape", "padding")}
    return TENSORFLOW.read({**said, "strides": (arguments["stride_h"], arguments["stride_w"])}, coarse)


def _check_axes(spec: Spec) -> None:
    groups_unsupported("tflite", spec, "convert each group as a layer of its own")
    if spec.rank != 2:
        raise UnsupportedError(f"tflite: the setting has {spec.rank} ax{'is' if spec.rank == 1 else 'es'}, but the "
                               "operator has two; add an axis of one sample and a kernel of one tap, or take "
                               "tf.nn's functions.")


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    _check_axes(spec)
    kernel, stride, dilation, _ = columns(spec)
    if max(dilation) > 1:
        raise unsupported_dilation("tflite", f"dilation {dilation}", "the operator has none")
    fine = None if coarse is None else tuple(axis.fine(size) for axis, size in zip(spec.axes, coarse, strict=True))
    return {"kernel_size": kernel, "output_shape": fine, "padding": said_padding("tflite", spec, explicit=False),
            "stride_h": stride[0], "stride_w": stride[1]}


def _operator(name: str, arguments: Arguments, inputs: list[str]) -> str:
    said = [f"{key}={value}" for key, value in arguments.items() if key not in ("kernel_size", "output_shape")]
    return f"{name}({', '.join([*inputs, *said])})"


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    sizes = arguments["output_shape"] or ("height", "width")
    shape = ", ".join(["batch", *map(str, sizes), picked(channels.outputs, "out_channels")])
    return _operator("TRANSPOSE_CONV", arguments, [
        f"output_shape=({shape})", "weights=kernel", "input=x", *["bias=bias"] * (channels.bias is not False)])


TFLITE = Convention(
    name="tflite",
    layers=(Layer("TRANSPOSE_CONV", 2, ("output_shape", "weights", "input", "bias", "padding", "stride_h", "stride_w",
                                        "kernel_size")),),
    defaults={"output_shape": None, "padding": "SAME", "stride_h": 1, "stride_w": 1},
    spec=_spec,
    arguments=_arguments,
    layout="(D, *K, C)",
    steps=OHWI,
    data="(N, *I, C)",
    code=_code,
    ends=sliced,
    run=False,
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare = Spec.of(arguments["kernel_size"], stride=(arguments["stride_h"], arguments["stride_w"]),
                   dilation=(arguments["dilation_h_factor"], arguments["dilation_w_factor"]))
    return cropped(bare, pads_of("tflite", bare, arguments["padding"], fine, NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    _check_axes(spec)
    kernel, stride, dilation, _ = columns(spec)
    name = pads_name(spec, fine, ("VALID", "SAME"))
    if name is None:
        number = next((number for number, axis in enumerate(spec.axes) if any(axis.crop)), 0)
        raise unsupported_crop("tflite", spec.axes[number], number, "there are only 'SAME' and 'VALID'",
                               transposed=False)
    return {"kernel_size": kernel, "padding": name, "stride_h": stride[0], "stride_w": stride[1],
            "dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}


def _padding(code: str, crops: Sequence[tuple[int, int]]) -> str:
    pads = ", ".join(f"({lo}, {hi})" for lo, hi in crops)
    return code.replace("(input=x,", f"(input=PAD(x, ((0, 0), {pads}, (0, 0))),", 1)


TFLITE_CONV = Convention(
    name="tflite",
    layers=(Layer("CONV_2D", 2, ("input", "weights", "bias", "padding", "stride_h", "stride_w", "dilation_h_factor",
                                 "dilation_w_factor", "kernel_size")),),
    defaults={"padding": "SAME", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1},
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, *K, D)",
    steps=CONV_OHWI,
    data="(N, *I, C)",
    code=lambda arguments, channels, spec: _operator("CONV_2D", arguments, [
        "input=x", "weights=kernel", *["bias=bias"] * (channels.bias is not False)]),
    ends=_padding,
    run=False,
    transposed=False,
)
