"""PyTorch's convolution functions, argument for argument, with a little more that they can say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from . import calls

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

Ints = int | Sequence[int]
Padding = Any  # a number, one entry per axis (a number or a pair), or a name


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1, output_size: Ints | None = None,
) -> Tensor:
    """`torch.nn.functional.conv_transpose1d`; see `conv_transpose2d` for what it takes beyond that.

    >>> import torch
    >>> conv_transpose1d(torch.ones(1, 1, 3), torch.ones(1, 1, 3), stride=2)
    tensor([[[1., 1., 2., 1., 2., 1., 1.]]])
    """
    return calls.conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation, output_size)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1, output_size: Ints | None = None,
) -> Tensor:
    """Stamp the weight at every cell of the input, scaled by that cell; add where stamps overlap; crop; add the bias.

    As `torch.nn.functional.conv_transpose2d`, on the engine for float32 on the CPU (and 16 bits, where
    the processor has no instructions for them), and by PyTorch otherwise.

    Args:
        input: shape `(N, C, H, W)` or `(C, H, W)`; plain or channels_last in memory, as the result then is.
        weight: shape `(C, D / groups, KH, KW)`.
        bias: shape `(D,)`.
        stride: samples from one input cell to the next on the output, >= 1.
        padding: samples cut off both ends; beyond PyTorch also a pair `(lo, hi)` per axis, negative numbers, which add
            cells, and "same", which leaves `input * stride` samples.
        output_padding: samples less cut at the end, less than the stride or the dilation.
        groups: how many groups the channels fall into.
        dilation: samples from one tap to the next, >= 1.
        output_size: samples per axis, in place of `output_padding`; with N and C or without.

    Returns:
        Shape `(N, D, *O)` or `(D, *O)`, with `O = (I - 1) * stride + (K - 1) * dilation + 1 - lo - hi`, and
        `output_padding` more.

    Raises:
        SettingError: if a setting is out of its range.
        ShapeError: if the tensors do not fit the setting or each other, or the output size is out of reach.
        SizeError: if it would need more memory than there is.

    >>> import torch
    >>> conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3), stride=2, padding="same").sum(dim=(0, 1, 2))
    tensor([ 5.,  5., 10.,  5.])
    """
    return calls.conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation, output_size)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1, output_size: Ints | None = None,
) -> Tensor:
    """`torch.nn.functional.conv_transpose3d`; see `conv_transpose2d` for what it takes beyond that.

    >>> import torch
    >>> conv_transpose3d(torch.ones(1, 1, 1, 1, 2), torch.ones(1, 1, 1, 1, 2), stride=2, padding=(0, 0, (1, 0)))
    tensor([[[[[1., 1., 1.]]]]])
    """
    return calls.conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation, output_size)


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Padding = 0,
           dilation: Ints = 1, groups: int = 1) -> Tensor:
    """`torch.nn.functional.conv1d`; see `conv2d` for what it takes beyond that.

    >>> import torch
    >>> conv1d(torch.arange(5.0).view(1, 1, 5), torch.ones(1, 1, 3), stride=2)
    tensor([[[3., 9.]]])
    """
    return calls.conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Padding = 0,
           dilation: Ints = 1, groups: int = 1) -> Tensor:
    """Let every cell of the result collect from the cells of the input under its weight; add the bias.

    As `torch.nn.functional.conv2d`, on the engine for float32 on the CPU (and 16 bits, where
    the processor has no instructions for them), and by PyTorch otherwise.

    Args:
        input: shape `(N, D, H, W)` or `(D, H, W)`; plain or channels_last in memory, as the result then is.
        weight: shape `(C, D / groups, KH, KW)`.
        bias: shape `(C,)`.
        stride: input samples from one result cell to the next, >= 1.
        padding: zeros at both ends, "valid" or "same"; beyond PyTorch also a pair `(lo, hi)` per axis, and "same" with
            any stride: `ceil(input / stride)` samples.
        dilation: samples from one tap to the next, >= 1.
        groups: how many groups the channels fall into.

    Returns:
        Shape `(N, C, *O)` or `(C, *O)`, with `O = (I + lo + hi - (K - 1) * dilation - 1) // stride + 1`.

    Raises:
        SettingError: if a setting is out of its range.
        ShapeError: if the tensors do not fit the setting or each other.
        SizeError: if it would need more memory than there is.

    >>> import torch
    >>> conv2d(torch.ones(1, 5, 5), torch.ones(1, 1, 3, 3), stride=2, padding="same").sum(dim=(0, 1))
    tensor([14., 21., 14.])
    """
    return calls.conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Padding = 0,
           dilation: Ints = 1, groups: int = 1) -> Tensor:
    """`torch.nn.functional.conv3d`; see `conv2d` for what it takes beyond that.

    >>> import torch
    >>> conv3d(torch.ones(1, 1, 1, 1, 4), torch.ones(1, 1, 1, 1, 2), padding=(0, 0, (1, 0)))
    tensor([[[[[1., 2., 2., 2.]]]]])
    """
    return calls.conv(3, input, weight, bias, stride, padding, dilation, groups)
