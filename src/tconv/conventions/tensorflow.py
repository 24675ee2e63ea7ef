"""What TensorFlow's `tf.nn` functions mean by their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..geometry import Problem, Spec
from .crops import from_pads, named, pairs, same_conv, to_size

__all__ = ["conv_problem", "spatial", "transposed_problem"]


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
    pads = _crops("conv", padding, spec.rank, channels_last)
    return from_pads(spec, same_conv(spec, fine) if pads is None else pads, fine)


def _spec(kernel: Sequence[int], strides: Any, dilations: Any, groups: int, channels_last: bool) -> Spec:
    stride, dilation = (spatial(value, len(kernel), channels_last=channels_last) for value in (strides, dilations))
    return Spec.of(kernel, stride=stride, dilation=dilation, groups=groups)


def _crops(where: str, padding: Any, rank: int, channels_last: bool) -> Any:
    name = named(where, padding, ("SAME", "VALID"))
    if name == "same":
        return None
    return pairs(where, 0 if name else spatial(padding, rank, channels_last=channels_last), rank)
