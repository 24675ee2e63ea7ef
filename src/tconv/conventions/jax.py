"""What `jax.lax` means by its arguments, in both meanings of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from ..geometry import Problem, Spec
from .convention import Arguments, Channels, Convention, Layer, call, columns, groups_unsupported, shortened
from .crops import Crops, cropped, extended, from_crops, from_pads, named, pairs, same, same_conv
from .layouts import correlated, plain

__all__ = ["JAX", "conv_problem", "transposed_problem"]


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
    where = "conv_transpose"
    name = named(where, padding, ("SAME", "VALID"))
    if name == "same":
        return same(spec)
    if name == "valid":
        return tuple((0, min(axis.reach - axis.stride, 0)) for axis in spec.axes)
    given = pairs(where, padding, spec.rank)
    if use_consistent_padding:
        return given
    return tuple((axis.reach - 1 - lo, axis.reach - 1 - hi) for axis, (lo, hi) in zip(spec.axes, given, strict=True))


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
    name = named("conv", padding, ("SAME", "VALID", "SAME_LOWER"))
    if name in ("same", "same_lower"):
        return from_pads(spec, same_conv(spec, fine, lower=name == "same_lower"), fine)
    return from_pads(spec, pairs("conv", 0 if name else padding, spec.rank), fine)


def _dilation(rhs_dilation: Any) -> Any:
    return 1 if rhs_dilation is None else rhs_dilation


def _spec(arguments: Arguments, coarse: tuple[int, ...] | None) -> Spec:
    bare = Spec.of(arguments["kernel_size"], stride=arguments["strides"], dilation=_dilation(arguments["rhs_dilation"]))
    return cropped(bare, transposed_crops(bare, arguments["padding"], arguments["use_consistent_padding"]))


def padding_name(spec: Spec) -> str | None:
    """'SAME' or 'VALID' where that is this crop."""
    for name in ("SAME", "VALID"):
        if transposed_crops(spec, name, True) == columns(spec)[3]:
            return name
    return None


def _arguments(spec: Spec, coarse: tuple[int, ...] | None) -> Arguments:
    groups_unsupported("jax", spec, "tconv.jax.conv_transpose takes groups")
    kernel, stride, dilation, crops = columns(spec)
    name = padding_name(spec)
    return {"kernel_size": kernel, "strides": stride, "padding": name or crops, "rhs_dilation": dilation,
            "transpose_kernel": True, "use_consistent_padding": name is None}


def as_correlation(kernel: NDArray[Any], arguments: Arguments) -> NDArray[Any]:
    """The canonical kernel in the layout of `lax.conv_transpose`, or back: it is its own inverse."""
    return plain(kernel) if arguments["transpose_kernel"] else correlated(kernel)


def _code(arguments: Arguments, channels: Channels, spec: Spec) -> str:
    said = {key: value for key, value in arguments.items() if key != "kernel_size"}
    if shortened(said)["rhs_dilation"] == 1:
        said["rhs_dilation"] = None
    return call("jax.lax.conv_transpose", ["x", "kernel"], said, DEFAULTS)


DEFAULTS = {"rhs_dilation": None, "transpose_kernel": False, "use_consistent_padding": False}
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
    layout="(*K, D, C) with transpose_kernel=True; without it (*K, C, D), every spatial axis turned round",
    into=as_correlation,
    out_of=as_correlation,
    data="(N, *I, C)",
    code=_code,
    versions="jax 0.10.2",
)
