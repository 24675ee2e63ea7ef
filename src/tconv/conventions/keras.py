"""What Keras 3 means by its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import SettingError
from ..geometry import Axis, Problem, Spec, per_axis
from .crops import Crop, Crops, around, fitting, from_crops, from_pads, named, pairs, same, same_conv, to_size

__all__ = ["conv_problem", "transposed_problem"]


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
