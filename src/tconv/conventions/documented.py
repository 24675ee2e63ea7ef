"""Rows that were read in a documentation and not run: MXNet, Core ML, TensorFlow Lite, TensorRT."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError, UnsupportedError
from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, columns, groups_unsupported, unsupported_crop
from .crops import cropped, named, pairs
from .layouts import from_channels_first, to_channels_first
from .tensorflow import TENSORFLOW, said_padding
from .torch import said_padding as torch_padding

__all__ = ["COREML", "MXNET", "TENSORRT", "TFLITE"]


def _mxnet_spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    bare = Spec.of(arguments["kernel"], stride=arguments["stride"] or 1, dilation=arguments["dilate"] or 1,
                   groups=arguments["num_group"])
    if not arguments["target_shape"]:
        more = per_axis("mxnet", "adj", arguments["adj"] or 0, bare.rank)
        crops = pairs("mxnet", arguments["pad"] or 0, bare.rank)
        return cropped(bare, tuple((lo, hi - entry) for (lo, hi), entry in zip(crops, more, strict=True)))
    if coarse is None:
        raise SettingError(f"mxnet: target_shape is {arguments['target_shape']}, whose crop depends on the input; "
                           f"give the input's sizes.")
    sizes = per_axis("mxnet", "target_shape", arguments["target_shape"], bare.rank)
    totals = [axis.full(size) - wanted for axis, size, wanted in zip(bare.axes, coarse, sizes, strict=True)]
    return cropped(bare, tuple(((total + 1) // 2, total // 2) for total in totals))


def _mxnet_arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    pad, adj = torch_padding("mxnet", spec)
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel": kernel, "stride": stride, "dilate": dilation, "pad": pad, "adj": adj, "num_group": spec.groups}


MXNET = Convention(
    name="mxnet",
    layers=(Layer("Deconvolution", None, (
        "data", "weight", "bias", "kernel", "stride", "dilate", "pad", "adj", "target_shape", "num_filter", "num_group",
        "workspace", "no_bias", "layout")),),
    defaults={"stride": None, "dilate": None, "pad": None, "adj": None, "target_shape": None, "num_group": 1},
    spec=_mxnet_spec,
    arguments=_mxnet_arguments,
    layout="(C, D / g, *K)",
    into=to_channels_first,
    out_of=from_channels_first,
    kernel_argument="kernel",
    channels=lambda arguments: Channels(None, arguments.get("num_filter"), not arguments.get("no_bias", True)),
    run=False,
)


def _coreml_spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    if arguments["output_shape"] is not None:
        raise UnsupportedError(f"coreml: output_shape is {arguments['output_shape']}, whose values differ between "
                               f"processors; say pad_type='custom' and pad.")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilations"],
                   groups=arguments["groups"])
    name = named("coreml", arguments["pad_type"], ("valid", "same", "custom"))
    if name == "same":
        return cropped(bare, tuple(_halved(axis.reach - axis.stride) for axis in bare.axes))
    flat = per_axis("coreml", "pad", arguments["pad"] or 0 if name == "custom" else 0, 2 * bare.rank)
    return cropped(bare, pairs("coreml", tuple(zip(flat[::2], flat[1::2], strict=True)), bare.rank))


def _halved(total: int) -> tuple[int, int]:
    if total % 2 or total < 0:
        raise UnsupportedError(f"coreml: pad_type is 'same' with {total} samples to cut, and the documentation does "
                               f"not say which end gets the odd one; say pad_type='custom' and pad.")
    return total // 2, total // 2


def _coreml_arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    kernel, stride, dilation, crops = columns(spec)
    for number, axis in enumerate(spec.axes):
        if min(axis.crop) < 0:
            raise unsupported_crop("coreml", axis, number, "pad is not negative")
    return {"kernel_size": kernel, "strides": stride, "dilations": dilation, "groups": spec.groups,
            "pad_type": "custom", "pad": tuple(end for crop in crops for end in crop)}


COREML = Convention(
    name="coreml",
    layers=(Layer("conv_transpose", None, (
        "x", "weight", "bias", "pad", "output_shape", "pad_type", "strides", "dilations", "groups", "name",
        "kernel_size")),),
    defaults={"pad": None, "output_shape": None, "pad_type": "valid", "strides": 1, "dilations": 1, "groups": 1},
    spec=_coreml_spec,
    arguments=_coreml_arguments,
    layout="(C, D / g, *K)",
    into=to_channels_first,
    out_of=from_channels_first,
    run=False,
)


def _tflite_spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    said = {key: arguments[key] for key in ("kernel_size", "output_shape", "padding")}
    return TENSORFLOW.read({**said, "strides": (arguments["stride_h"], arguments["stride_w"])}, coarse)


def _tflite_arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    groups_unsupported("tflite", spec, "convert each group as a layer of its own")
    kernel, stride, dilation, _ = columns(spec)
    if spec.rank != 2 or max(dilation) > 1:
        raise UnsupportedError(f"tflite: kernel {kernel} with dilation {dilation}, but it has two axes and no "
                               f"dilation; write the dilation out as zeros between the taps "
                               "(conventions.write_out_dilation).")
    fine = None if coarse is None else tuple(axis.fine(size) for axis, size in zip(spec.axes, coarse, strict=True))
    return {"kernel_size": kernel, "output_shape": fine, "padding": said_padding("tflite", spec, explicit=False),
            "stride_h": stride[0], "stride_w": stride[1]}


def _to_ohwi(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    return np.moveaxis(kernel, -2, 0)


def _from_ohwi(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    return np.moveaxis(kernel, 0, -2)


TFLITE = Convention(
    name="tflite",
    layers=(Layer("TRANSPOSE_CONV", 2, ("output_shape", "weights", "input", "bias", "padding", "stride_h", "stride_w",
                                        "kernel_size")),),
    defaults={"output_shape": None, "padding": "SAME", "stride_h": 1, "stride_w": 1},
    spec=_tflite_spec,
    arguments=_tflite_arguments,
    layout="(D, *K, C)",
    into=_to_ohwi,
    out_of=_from_ohwi,
    run=False,
)


def _tensorrt_spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    rank = len(arguments["kernel_size"])
    ends = [per_axis("tensorrt", key, arguments[key], rank) for key in ("pre_padding", "post_padding")]
    return Spec.of(arguments["kernel_size"], stride=arguments["stride"], dilation=arguments["dilation"],
                   crop=tuple(zip(*ends, strict=True)), groups=arguments["groups"])


def _tensorrt_arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    kernel, stride, dilation, crops = columns(spec)
    for number, axis in enumerate(spec.axes):
        if min(axis.crop) < 0:
            raise unsupported_crop("tensorrt", axis, number, "pre_padding and post_padding are not negative")
    return {"kernel_size": kernel, "stride": stride, "pre_padding": tuple(lo for lo, _ in crops),
            "post_padding": tuple(hi for _, hi in crops), "dilation": dilation, "groups": spec.groups}


TENSORRT = Convention(
    name="tensorrt",
    layers=(Layer("IDeconvolutionLayer", None, (
        "kernel_size", "stride", "pre_padding", "post_padding", "dilation", "groups")),),
    defaults={"stride": 1, "pre_padding": 0, "post_padding": 0, "dilation": 1, "groups": 1},
    spec=_tensorrt_spec,
    arguments=_tensorrt_arguments,
    layout="(C, D / g, *K)",
    into=to_channels_first,
    out_of=from_channels_first,
    run=False,
)
