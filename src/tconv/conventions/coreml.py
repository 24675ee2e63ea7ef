"""What Core ML's MIL means by its arguments, as its documentation says; not run."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..geometry import Spec, per_axis
from .convention import Arguments, Channels, Convention, Layer, Sizes, columns, short
from .crops import Crops, cropped, named, pads_of, pairs
from .layouts import CHANNELS_FIRST
from .saying import unsigned_padding, unsupported_crop

__all__ = ["COREML", "COREML_CONV"]


def _bare(arguments: Arguments) -> Spec:
    """The setting without its crop."""
    return Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=arguments["dilations"],
                   groups=arguments["groups"])


def _custom(pad: object, rank: int) -> Crops:
    """`[b1, e1, b2, e2, ...]` as one `(lo, hi)` for each axis."""
    flat = per_axis("coreml", "pad", pad or 0, 2 * rank)
    return pairs("coreml", tuple(zip(flat[::2], flat[1::2], strict=True)), rank)


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    if arguments["output_shape"] is not None:
        raise UnsupportedError(f"coreml: output_shape is {arguments['output_shape']}, whose values differ between "
                               f"processors; say pad_type='custom' and pad.")
    bare, name = _bare(arguments), named("coreml", arguments["pad_type"], ("valid", "same", "custom"))
    if name == "same":
        return cropped(bare, tuple(_halved(axis.reach - axis.stride) for axis in bare.axes))
    return cropped(bare, _custom(arguments["pad"] if name == "custom" else 0, bare.rank))


def _halved(total: int) -> tuple[int, int]:
    if total % 2 or total < 0:
        raise UnsupportedError(f"coreml: pad_type is 'same' with {total} samples to cut, and the documentation does "
                               f"not say which end gets the odd one; say pad_type='custom' and pad.")
    return total // 2, total // 2


def _arguments(spec: Spec, coarse: Sizes) -> Arguments:
    for number, axis in enumerate(spec.axes):
        if min(axis.crop) < 0:
            raise unsupported_crop("coreml", axis, number, "pad is not negative")
    return _geometry(spec, columns(spec)[3])


def _geometry(spec: Spec, crops: Crops) -> Arguments:
    kernel, stride, dilation, _ = columns(spec)
    return {"kernel_size": kernel, "strides": stride, "dilations": dilation, "groups": spec.groups,
            "pad_type": "custom", "pad": tuple(end for crop in crops for end in crop)}


def _operation(name: str, arguments: Arguments, channels: Channels) -> str:
    said = {key: list(value) if isinstance(value, tuple) else value for key, value in arguments.items()
            if key != "kernel_size" and value is not None and short(value) != {"dilations": 1, "groups": 1}.get(key)}
    first = ["x=x", "weight=kernel", *["bias=bias"] * (channels.bias is not False)]
    return f"coremltools.converters.mil.Builder.{name}({', '.join([*first, *(f'{k}={v!r}' for k, v in said.items())])})"


COMMON = {"pad": None, "pad_type": "valid", "strides": 1, "dilations": 1, "groups": 1}

COREML = Convention(
    name="coreml",
    layers=(Layer("conv_transpose", None, (
        "x", "weight", "bias", "pad", "output_shape", "pad_type", "strides", "dilations", "groups", "name",
        "kernel_size")),),
    defaults={**COMMON, "output_shape": None},
    spec=_spec,
    arguments=_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    code=lambda arguments, channels, spec: _operation("conv_transpose", arguments, channels),
    run=False,
)

NAMES = ("valid", "same", "same_lower", "custom")


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    bare, name = _bare(arguments), named("coreml", arguments["pad_type"], NAMES)
    custom = _custom(arguments["pad"], bare.rank) if name == "custom" else None
    return cropped(bare, custom or pads_of("coreml", bare, name, fine, NAMES[:3]))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    return _geometry(spec, unsigned_padding("coreml", spec, fine, "pad is not negative"))


COREML_CONV = Convention(
    name="coreml",
    layers=(Layer("conv", None, (
        "x", "weight", "bias", "strides", "pad_type", "pad", "dilations", "groups", "name", "kernel_size")),),
    defaults=COMMON,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(C, D / g, *K)",
    steps=CHANNELS_FIRST,
    code=lambda arguments, channels, spec: _operation("conv", arguments, channels),
    run=False,
    transposed=False,
)
