"""Both layers in Keras' own operations: for backends without a row, and for sizes that nobody knows yet.

They need no sizes, only settings, so they also serve while a model with open sizes is traced or exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

__all__ = ["conv", "conv_transpose"]

Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]


def conv_transpose(
    x: Any, kernel: Any, *, kernel_size: Ints, strides: Ints, dilation_rate: Ints, groups: int, crops: Pairs
) -> Any:
    """Stamp the kernel `(*K, D / groups, C)` at every cell of `x` `(N, *I, C)`, and cut `crops` off the full result."""
    kernel = _spread(kernel, kernel_size, dilation_rate)
    pairs = [(x, kernel)]
    if groups > 1:
        pairs = list(zip(ops.split(x, groups, axis=-1), ops.split(kernel, groups, axis=-1), strict=True))
    parts = [ops.conv_transpose(part, rows, strides=tuple(strides), padding="valid", output_padding=0,
                                data_format="channels_last") for part, rows in pairs]
    full = parts[0] if groups == 1 else ops.concatenate(parts, axis=-1)
    return _grown(full, [(-lo, -hi) for lo, hi in crops])


def conv(
    y: Any, kernel: Any, *, kernel_size: Ints, strides: Ints, dilation_rate: Ints, groups: int, padding: str | Pairs
) -> Any:
    """Collect from `y` `(N, *I, D)` under the kernel `(*K, D / groups, C)`, padded by name or by pairs."""
    if max(strides) > 1 and max(dilation_rate) > 1:
        kernel, dilation_rate = _spread(kernel, kernel_size, dilation_rate), [1] * len(strides)
    if not isinstance(padding, str):
        y, padding = _grown(y, padding), "valid"
    return ops.conv(y, kernel, strides=tuple(strides), padding=padding, dilation_rate=tuple(dilation_rate),
                    data_format="channels_last")


def _spread(kernel: Any, kernel_size: Sequence[int], dilation: Sequence[int]) -> Any:
    """The kernel with `dilation - 1` zeros between its taps."""
    for axis, (taps, step) in enumerate(zip(kernel_size, dilation, strict=True)):
        if taps > 1 and step > 1:
            rows = ops.split(kernel, taps, axis=axis)
            gaps = [ops.zeros_like(rows[0])] * (step - 1)
            kernel = ops.concatenate([rows[0], *(part for row in rows[1:] for part in (*gaps, row))], axis=axis)
    return kernel


def _grown(array: Any, ends: Pairs) -> Any:
    """An array with so many zeros more at the start and end of each spatial axis, or so many cells fewer."""
    cells = [slice(max(-lo, 0), -max(-hi, 0) or None) for lo, hi in ends]
    if any(lo < 0 or hi < 0 for lo, hi in ends):
        array = array[(slice(None), *cells)]
    zeros = [(max(lo, 0), max(hi, 0)) for lo, hi in ends]
    return ops.pad(array, [(0, 0), *zeros, (0, 0)]) if any(map(any, zeros)) else array
