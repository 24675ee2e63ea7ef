"""What `jax.lax` means by its arguments, in both meanings of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import SettingError
from ..geometry import Problem, Spec
from .convention import Arguments, Channels, Convention, Layer, Sizes, call, columns, shortened
from .crops import Crops, cropped, extended, from_crops, from_pads, pads_name, pads_of
from .crops import transposed_crops as crops_of
from .layouts import Layout, correlated, inverse
from .saying import groups_unsupported
from .steps import Steps, Transpose

__all__ = ["CORRELATED", "CORRELATED_LAYOUT", "JAX", "JAX_CONV", "conv_problem", "correlated_layout", "padding_name",
           "transposed_crops", "transposed_problem", "turned"]

NAMES = ("SAME", "VALID")
CONV_NAMES = ("VALID", "SAME", "SAME_LOWER")


def transposed_problem(
    *,
    kernel_size: Sequence[int],
    strides: Any,
    padding: Any,
    rhs_dilation: Any,
    use_consistent_padding: bool,
    output_padding: Any,
    groups: int,
    coarse: Sequence[int],
) -> Problem:
    """The problem of `lax.conv_transpose`.

    Args:
        kernel_size: taps per axis.
        strides: samples, one for all axes or one each.
        padding: "SAME", "VALID", or a pair per axis.
        rhs_dilation: samples, one for all axes or one each; None is 1.
        use_consistent_padding: whether pairs are the crop; otherwise they are the zeros around the stretched input,
            `reach - 1 - crop`.
        output_padding: other than in JAX: samples more at the end, less than the stride or the dilation; None is 0.
        groups: how many groups the channels fall into; `lax.conv_transpose` has one.
        coarse: input samples per axis.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the crop leaves nothing.

    >>> transposed_problem(kernel_size=(3,), strides=2, padding=((1, 2),), rhs_dilation=None, output_padding=None,
    ...                    use_consistent_padding=False, groups=1, coarse=(4,)).fine
    (8,)
    """
    spec = Spec.of(kernel_size, stride=strides, dilation=_dilation(rhs_dilation), groups=groups)
    crops = transposed_crops(spec, padding, use_consistent_padding)
    return from_crops(spec, extended("conv_transpose", spec, crops, output_padding or 0), coarse)


def transposed_crops(spec: Spec, padding: Any, use_consistent_padding: bool) -> Crops:
    """The crop that a padding stands for; it does not depend on the size."""
    found = crops_of("conv_transpose", spec, padding, NAMES)
    return found if use_consistent_padding or isinstance(padding, str) else turned(spec, found)


def turned(spec: Spec, crops: Crops) -> Crops:
    """The zeros around the stretched input that a crop stands for, or the crop that such zeros stand for."""
    return tuple((axis.reach - 1 - lo, axis.reach - 1 - hi) for axis, (lo, hi) in zip(spec.axes, crops, strict=True))


def conv_problem(
    *, kernel_size: Sequence[int], strides: Any, padding: Any, rhs_dilation: Any, groups: int, fine: Sequence[int]
) -> Problem:
    """The problem of `lax.conv_general_dilated` without a dilation of its input.

    Args:
        kernel_size: taps per axis.
        strides: samples, one for all axes or one each.
        padding: "SAME", "VALID", "SAME_LOWER" (an odd zero in front), or a pair per axis.
        rhs_dilation: samples, one for all axes or one each; None is 1.
        groups: how many groups the channels fall into.
        fine: input samples per axis.

    Raises:
        SettingError: if an argument is out of range.
        ShapeError: if the kernel does not fit into the padded input.

    >>> conv_problem(kernel_size=(2,), strides=1, padding="SAME_LOWER", rhs_dilation=None, groups=1, fine=(9,)).lo
    (1,)
    """
    spec = Spec.of(kernel_size, stride=strides, dilation=_dilation(rhs_dilation), groups=groups)
    return from_pads(spec, pads_of("conv", spec, padding, fine, CONV_NAMES), fine)


def _dilation(rhs_dilation: Any) -> Any:
    return 1 if rhs_dilation is None else rhs_dilation


def _spec(arguments: Arguments, coarse: Sizes) -> Spec:
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=_dilation(arguments["rhs_dilation"]))
    return cropped(bare, transposed_crops(bare, arguments["padding"], arguments["use_consistent_padding"]))


def padding_name(spec: Spec) -> str | None:
    """'SAME' or 'VALID' where that is this crop."""
    for name in NAMES:
        if transposed_crops(spec, name, True) == columns(spec)[3]:
            return name
    return None


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    groups_unsupported("jax", spec, "tconv.jax.conv_transpose takes groups")
    kernel, stride, dilation, crops = columns(spec)
    name = padding_name(spec)
    return {"kernel_size": kernel, "strides": stride, "padding": name or crops, "rhs_dilation": dilation,
            "transpose_kernel": True, "use_consistent_padding": name is None}


def _numbers(arguments: Arguments, rank: int, default: tuple[str, str]) -> tuple[str, str]:
    """The axes of the input and of the kernel, as letters; `*` in the default stands for the spatial ones."""
    found = arguments.get("dimension_numbers")
    if found is None:
        return default[0].replace("*", "DHW"[3 - rank:]), default[1].replace("*", "DHW"[3 - rank:])
    if not isinstance(found, tuple | list) or not all(isinstance(entry, str) for entry in found) or len(found) != 3:
        raise SettingError(f"jax: dimension_numbers is {found!r}, but has to be three words in quotes, as "
                           "('NHWC', 'HWIO', 'NHWC').")
    return found[0], found[1]


def _order(letters: tuple[str, str]) -> Transpose:
    """The kernel's axes, from `(*K, I, O)` to those that are said for it and its input."""
    data, kernel = letters
    canonical = [*(letter for letter in data if letter not in "NC"), "I", "O"]
    if sorted(kernel) != sorted(canonical):
        raise SettingError(f"jax: dimension_numbers has the kernel {kernel!r} for an input {data!r}; its letters have "
                           f"to be {''.join(canonical)} in some order.")
    return Transpose(tuple(map(canonical.index, kernel)))


def _as_said(between: Callable[[int, Arguments], Steps], default: tuple[str, str]) -> Layout:
    """The layout in the order that dimension_numbers says, behind steps that are their own inverse."""
    def into(rank: int, arguments: Arguments) -> Steps:
        return (*between(rank, arguments), _order(_numbers(arguments, rank, default)))

    def out_of(rank: int, arguments: Arguments) -> Steps:
        return (inverse(_order(_numbers(arguments, rank, default)).order), *between(rank, arguments))

    return into, out_of


def _axes(arguments: Arguments) -> str | None:
    if arguments["dimension_numbers"] is None:
        return None
    letters = _numbers(arguments, 0, ("", ""))[0]
    if letters[:1] != "N" or "C" not in (letters[1:2], letters[-1:]):
        raise SettingError(f"jax: dimension_numbers has the input {letters!r}, but the batch has to be first, and the "
                           "channels second or last.")
    return "(N, C, *I)" if letters[1] == "C" else "(N, *I, C)"


def _turned_unless(rank: int, arguments: Arguments) -> Steps:
    return () if arguments["transpose_kernel"] else correlated(rank)


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    said = {key: value for key, value in arguments.items() if key != "kernel_size"}
    if shortened(said).get("rhs_dilation") == 1:
        said["rhs_dilation"] = None
    return call("jax.lax.conv_transpose", ["x", "kernel"], said, DEFAULTS)


CORRELATED: Layout = (_turned_unless, _turned_unless)
CORRELATED_LAYOUT = "(*K, D, C) with transpose_kernel=True; without it (*K, C, D), every spatial axis turned round"


def correlated_layout(arguments: Arguments) -> str:
    """The one of both that the arguments choose."""
    return "(*K, D, C)" if arguments["transpose_kernel"] else "(*K, C, D) with every spatial axis turned round"


DEFAULTS = {"rhs_dilation": None, "transpose_kernel": False, "use_consistent_padding": False, "dimension_numbers": None}
PARAMETERS = (
    "lhs", "rhs", "strides", "padding", "rhs_dilation", "dimension_numbers", "transpose_kernel", "precision",
    "preferred_element_type", "use_consistent_padding", "kernel_size",
)

JAX = Convention(
    name="jax",
    layers=(Layer("conv_transpose", None, PARAMETERS),),
    defaults=DEFAULTS,
    spec=_spec,
    arguments=_arguments,
    layout=CORRELATED_LAYOUT,
    said_layout=correlated_layout,
    steps=_as_said(_turned_unless, ("N*C", "*IO")),
    channels=lambda arguments: Channels(bias=False),
    data="(N, *I, C)",
    said_axes=_axes,
    code=_code,
    required=("strides", "padding"),
    versions="jax 0.10.2",
)


def _conv_spec(arguments: Arguments, fine: Sizes) -> Spec:
    stretch = arguments["lhs_dilation"]
    if stretch is not None and set(stretch) != {1}:
        raise SettingError(f"jax: lhs_dilation is {stretch!r}, which makes a transposed convolution of it; write it "
                           "as jax.lax.conv_transpose.")
    bare = Spec.of(arguments["kernel_size"], stride=arguments["window_strides"],
                   dilation=_dilation(arguments["rhs_dilation"]), groups=arguments["feature_group_count"])
    return cropped(bare, pads_of("jax", bare, arguments["padding"], fine, CONV_NAMES))


def _conv_arguments(spec: Spec, fine: Sizes) -> Arguments:
    kernel, stride, dilation, crops = columns(spec)
    axes = "DHW"[3 - spec.rank:]
    return {"kernel_size": kernel, "window_strides": stride, "padding": pads_name(spec, fine, CONV_NAMES) or crops,
            "rhs_dilation": dilation if max(dilation) > 1 else None,
            "dimension_numbers": (f"N{axes}C", f"{axes}IO", f"N{axes}C"), "feature_group_count": spec.groups}


def _conv_code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    said = {key: value for key, value in arguments.items() if key != "kernel_size"}
    return call("jax.lax.conv_general_dilated", ["x", "kernel"], said, CONV_DEFAULTS)


CONV_DEFAULTS = {"lhs_dilation": None, "rhs_dilation": None, "dimension_numbers": None, "feature_group_count": 1}

JAX_CONV = Convention(
    name="jax",
    layers=(
        Layer("conv_general_dilated", None, (
            "lhs", "rhs", "window_strides", "padding", "lhs_dilation", "rhs_dilation", "dimension_numbers",
            "feature_group_count", "batch_group_count", "precision", "preferred_element_type", "out_sharding",
            "kernel_size")),
        Layer("conv_with_general_padding", None, (
            "lhs", "rhs", "window_strides", "padding", "lhs_dilation", "rhs_dilation", "precision",
            "preferred_element_type", "kernel_size")),
        Layer("conv", None, ("lhs", "rhs", "window_strides", "padding", "precision", "preferred_element_type",
                             "kernel_size")),
    ),
    defaults=CONV_DEFAULTS,
    spec=_conv_spec,
    arguments=_conv_arguments,
    layout="(*K, D / g, C) as dimension_numbers ('NHWC', 'HWIO', 'NHWC') says; without them (C, D / g, *K)",
    said_layout=lambda arguments: f"(*K, D / g, C) as {arguments['dimension_numbers']!r} says" if (
        arguments["dimension_numbers"]) else "(C, D / g, *K)",
    steps=_as_said(lambda rank, arguments: (), ("NC*", "OI*")),
    channels=lambda arguments: Channels(bias=False),
    data="(N, C, *I)",
    said_axes=_axes,
    code=_conv_code,
    required=("window_strides", "padding"),
    versions="jax 0.10.2",
    transposed=False,
)
