"""PyTorch's convolution layers: the same constructors, parameters and state, with `tconv.torch`'s functions inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from ..conventions.crops import named, pairs
from ..errors import UnsupportedError
from ..geometry import Problem
from .activations import Finish
from .calls import conv, conv_transpose
from .problems import ordinary, sayable, transposed

if TYPE_CHECKING:
    from ..explain import Explanation

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

FEW = 3  # cells along each axis of a sample that nobody gave

# torch.fx keeps these calls whole, as it keeps PyTorch's own layers.
torch.fx.wrap("conv")
torch.fx.wrap("conv_transpose")


class _Padded(_ConvNd):
    """What both kinds share: a padding that PyTorch's own constructor does not know is put in afterwards."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 *rest: Any, **more: Any) -> None:
        known = self._knows(padding, stride)
        taken: Any = padding if known else 0
        super().__init__(in_channels, out_channels, kernel_size, stride, taken, *rest, **more)
        if known:
            return
        where = type(self).__name__
        if self.padding_mode != "zeros":
            raise UnsupportedError(f"{where}: padding is {padding!r} with padding_mode={self.padding_mode!r}, which "
                                   "takes one number per axis; pad the input with torch.nn.functional.pad instead.")
        own: Any = named(where, padding, ("same",)) or pairs(where, padding, len(self.kernel_size))
        self.padding = own

    @staticmethod
    def _knows(padding: Any, stride: Any) -> bool:
        return sayable(padding)

    def explain(self, x: Any = None) -> Explanation:
        """What the layer does with one sample, number by number, with its weight and bias.

        Args:
            x: shape `(C, *I)` or `(N, C, *I)`, of which the first is taken; by default 1, 2, 3, ... on three cells
                along each axis, or as many as the kernel reaches over.

        Raises:
            ShapeError: if the sample does not fit.
            UnsupportedError: if the layer pads with something else than zeros.
        """
        from ..explain import explain, numbered

        if self.padding_mode != "zeros":
            raise UnsupportedError(f"{type(self).__name__}: padding_mode is {self.padding_mode!r}, which no picture "
                                   "shows; pad the sample yourself, and explain the layer with padding=0.")
        if x is None:
            grid = numbered(self._few())[..., None].repeat(self.in_channels, axis=-1)
        else:
            sample = torch.as_tensor(x).detach().cpu()
            grid = (sample[0] if sample.dim() == len(self.kernel_size) + 2 else sample).movedim(0, -1).numpy()
        bias = None if self.bias is None else self.bias.detach().cpu().numpy()
        kernel = self.weight.detach().cpu().movedim((0, 1), (-1, -2)).numpy()
        problem, is_transposed = self._met(grid.shape[:-1]), isinstance(self, _Transposed)
        return explain(grid, kernel, problem=problem, transposed=is_transposed, bias=bias)

    def _repr_html_(self) -> str:
        """In a notebook: the layer's words, and its setting at work on numbers that count up."""
        from ..explain.notebook import layer_html

        return layer_html(repr(self), self._met(self._few()), isinstance(self, _Transposed))

    def _few(self) -> tuple[int, ...]:
        """Sizes that are quickly looked at."""
        reach = ((k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
        return tuple(FEW if isinstance(self, _Transposed) else max(FEW, size + 2) for size in reach)

    def finished(self, input: Tensor, finish: Finish) -> Tensor:
        """The layer, and what follows it."""
        raise NotImplementedError

    def _said(self) -> tuple[Any, tuple[Any, ...]]:
        """Who translates the layer's settings, and these."""
        raise NotImplementedError

    def _met(self, sizes: tuple[int, ...]) -> Problem:
        """The layer's setting, met by a sample's sizes."""
        translate, settings = self._said()
        blank = torch.empty((1, self.in_channels, *sizes), device="meta")
        return translate(len(sizes), settings, blank, self.weight, self.bias)


class _Transposed(_Padded):
    def _said(self) -> tuple[Any, tuple[Any, ...]]:
        return transposed, (self.stride, self.padding, self.output_padding, self.dilation, self.groups, None)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Input `(N, C, *I)` or `(C, *I)` to `(N, D, *O)` or `(D, *O)`; `output_size` as in the function."""
        return self._computed(input, output_size)

    def finished(self, input: Tensor, finish: Finish) -> Tensor:
        return self._computed(input, None, finish)

    def _computed(self, input: Tensor, output_size: Sequence[int] | None, *finish: Finish) -> Tensor:
        return conv_transpose(len(self.kernel_size), input, self.weight, self.bias, self.stride, self.padding,
                              self.output_padding, self.groups, self.dilation, output_size, *finish)


class _Ordinary(_Padded):
    def _said(self) -> tuple[Any, tuple[Any, ...]]:
        return ordinary, (self.stride, self.padding, self.dilation, self.groups)

    @staticmethod
    def _knows(padding: Any, stride: Any) -> bool:
        if isinstance(padding, str):
            return padding != "same" or stride == 1 or (isinstance(stride, Sequence) and set(stride) == {1})
        return sayable(padding)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None, *finish: Finish) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode), 0
        return conv(len(self.kernel_size), input, weight, bias, self.stride, padding, self.dilation, self.groups,
                    *finish)

    def finished(self, input: Tensor, finish: Finish) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias, finish)


class ConvTranspose1d(_Transposed, nn.ConvTranspose1d):
    """`torch.nn.ConvTranspose1d`; `padding` may also be "same" or a pair `(lo, hi)` per axis.

    >>> ConvTranspose1d(4, 2, kernel_size=3, stride=2, padding="same")(torch.zeros(1, 4, 5)).shape
    torch.Size([1, 2, 10])
    """


class ConvTranspose2d(_Transposed, nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d`; `padding` may also be "same" or a pair `(lo, hi)` per axis.

    >>> ConvTranspose2d(4, 2, kernel_size=3, stride=2, padding="same")(torch.zeros(1, 4, 5, 5)).shape
    torch.Size([1, 2, 10, 10])
    """


class ConvTranspose3d(_Transposed, nn.ConvTranspose3d):
    """`torch.nn.ConvTranspose3d`; `padding` may also be "same" or a pair `(lo, hi)` per axis.

    >>> ConvTranspose3d(4, 2, kernel_size=2, stride=2)(torch.zeros(1, 4, 2, 3, 4)).shape
    torch.Size([1, 2, 4, 6, 8])
    """


class Conv1d(_Ordinary, nn.Conv1d):
    """`torch.nn.Conv1d`; `padding` may also be a pair `(lo, hi)` per axis, and "same" goes with any stride.

    >>> Conv1d(4, 2, kernel_size=3, padding=((2, 0),))(torch.zeros(1, 4, 5)).shape
    torch.Size([1, 2, 5])
    """


class Conv2d(_Ordinary, nn.Conv2d):
    """`torch.nn.Conv2d`; `padding` may also be a pair `(lo, hi)` per axis, and "same" goes with any stride.

    >>> Conv2d(4, 2, kernel_size=3, stride=2, padding="same")(torch.zeros(1, 4, 5, 5)).shape
    torch.Size([1, 2, 3, 3])
    """


class Conv3d(_Ordinary, nn.Conv3d):
    """`torch.nn.Conv3d`; `padding` may also be a pair `(lo, hi)` per axis, and "same" goes with any stride.

    >>> Conv3d(4, 2, kernel_size=3)(torch.zeros(1, 4, 5, 5, 5)).shape
    torch.Size([1, 2, 3, 3, 3])
    """
