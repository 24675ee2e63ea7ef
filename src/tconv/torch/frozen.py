"""One convolution with all that can be done while its results are stored, and how it is put together."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ..errors import ShapeError
from ..resize import resize_conv_as_transposed
from .activations import NOTHING, Finish
from .calls import conv, conv_transpose
from .kept import keep
from .modules import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

__all__ = ["KINDS", "NORMS", "Draft", "Frozen", "kind_of"]

Pairs = tuple[tuple[int, int], ...]

LAYERS: dict[bool, dict[int, Any]] = {False: {1: Conv1d, 2: Conv2d, 3: Conv3d},
          True: {1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d}}
KINDS: dict[type, tuple[bool, int]] = {
    kind: (transposed, rank) for transposed, layers in LAYERS.items() for rank, ours in layers.items()
    for kind in (ours, getattr(nn, ours.__name__))
}
NORMS: dict[type, int] = {nn.BatchNorm1d: 1, nn.BatchNorm2d: 2, nn.BatchNorm3d: 3}
PYTORCHS: dict[type, type] = {ours: getattr(nn, ours.__name__) for layers in LAYERS.values()
                              for ours in layers.values()}
THEIRS = frozenset(PYTORCHS.values())

# torch.fx keeps these calls whole.
torch.fx.wrap("conv")
torch.fx.wrap("conv_transpose")


class Frozen(nn.Module):
    """A layer and the activation behind it in one, without gradients for its numbers; its input may have one.

    The layer is one of ours; or PyTorch's own, after `own`. The engine lays its weights out once, and again after they
    were written to, as by `load_state_dict`; what is written by way of `weight.data` it does not see.
    """

    def __init__(self, layer: nn.Module, finish: Finish, batched: bool) -> None:
        super().__init__()
        self.layer, self.finish, self.batched = layer.eval().requires_grad_(False), finish, batched
        self._keep()

    def _keep(self) -> None:
        if type(self.layer) not in THEIRS:
            weight: Any = self.layer.weight
            keep(weight)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._keep()

    def own(self) -> Frozen | None:
        """The same, computed by PyTorch; None if it has no words for the setting."""
        layer: Any = copy.copy(self.layer)
        if not all(isinstance(entry, int) for entry in layer.padding):
            return None
        layer._parameters = dict(layer._parameters)
        layer.weight = nn.Parameter(last_in_memory(layer.weight.detach()))
        layer.__class__ = PYTORCHS[type(layer)]
        return Frozen(layer, self.finish, self.batched)

    def forward(self, input: Tensor) -> Tensor:
        own: Any = self.layer
        rank, weight, bias = len(own.kernel_size), own.weight, own.bias
        if self.batched and input.dim() != rank + 2:
            raise ShapeError(f"Frozen: input has shape {tuple(input.shape)}, but repeating cells takes a batch; give "
                             f"input[None].")
        if type(own) in THEIRS:
            return self.finish.written(own(input))
        if own.transposed:
            return conv_transpose(rank, input, weight, bias, own.stride, own.padding, own.output_padding, own.groups,
                                  own.dilation, None, self.finish)
        return conv(rank, input, weight, bias, own.stride, own.padding, own.dilation, own.groups, self.finish)

    def extra_repr(self) -> str:
        return "" if self.finish.activation is None else f"then {self.finish}"


@dataclass(frozen=True)
class Draft:
    """A convolution that is being put together.

    Args:
        transposed: which of the two.
        weight: shape `(C, D / groups, *K)`.
        bias: one number for each channel of the result, or None.
        stride, dilation: one number for each axis.
        padding: a pair for each axis, or "same".
        groups: how many groups the channels fall into.
        finish: what is done to each result.
        batched: whether an input without a batch would mean something else.
    """

    transposed: bool
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Pairs | str
    groups: int
    finish: Finish = NOTHING
    batched: bool = False

    @classmethod
    def of(cls, layer: Any) -> Draft | None:
        """A layer of PyTorch's or ours; None if it pads with something else than zeros."""
        kind = KINDS[kind_of(layer)]
        if layer.padding_mode != "zeros":
            return None
        taps = tuple(zip(layer.kernel_size, layer.dilation, strict=True))
        padding = _pairs(layer.padding, taps, layer.stride)
        if kind[0] and not isinstance(padding, str):
            padding = tuple((lo, hi - more) for (lo, hi), more in zip(padding, layer.output_padding, strict=True))
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(kind[0], layer.weight.detach(), bias, layer.stride, layer.dilation, padding, layer.groups)

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.weight.dim() - 2

    @property
    def outputs(self) -> int:
        """Channels of the result."""
        return self.weight.shape[1] * self.groups if self.transposed else self.weight.shape[0]

    def normed(self, norm: Any) -> Draft:
        """With a batch norm behind it whose statistics no longer change."""
        values = ((norm.running_mean, 0), (norm.running_var, 0), (norm.weight, 1), (norm.bias, 0), (self.bias, 0))
        mean, variance, gain, shift, bias = (
            otherwise if value is None else value.detach().double() for value, otherwise in values)
        scale = torch.rsqrt(variance + norm.eps) * gain
        moved = (bias - mean) * scale + shift
        return replace(self, weight=(self.weight * self._by_output(scale)).to(self.weight.dtype),
                       bias=moved.to(self.weight.dtype))

    def _by_output(self, scale: Tensor) -> Tensor:
        """A number for each output channel, shaped to multiply the weight."""
        ones = (1,) * self.rank
        if not self.transposed:
            return scale.reshape(-1, 1, *ones)
        each = scale.reshape(self.groups, 1, -1).expand(-1, self.weight.shape[0] // self.groups, -1)
        return each.reshape(self.weight.shape[0], -1, *ones)

    def after_zeros(self, zeros: Pairs) -> Draft:
        """With so many zeros put around its input."""
        own: Any = self.padding
        both = zip(own, zeros, strict=True)
        return replace(self, padding=tuple((lo + a, hi + b) for (lo, hi), (a, b) in both))

    def after_nearest(self, factor: Sequence[int]) -> Draft:
        """With each cell of its input repeated: one transposed convolution."""
        kernel = self.weight.double().movedim((0, 1), (-1, -2)).numpy()
        stamp, spec = resize_conv_as_transposed(kernel, tuple(factor), groups=self.groups, padding=self.padding)
        weight = torch.from_numpy(np.ascontiguousarray(np.moveaxis(stamp, (-1, -2), (0, 1)))).to(self.weight.dtype)
        return replace(self, transposed=True, weight=weight, stride=tuple(factor),
                       padding=tuple(axis.crop for axis in spec.axes), batched=True)

    def layer(self) -> Frozen:
        """The finished layer. Its weight lies in memory as the engine reads it fastest: taps, D, C."""
        channels = (self.weight.shape[0], self.outputs) if self.transposed else (
            self.weight.shape[1] * self.groups, self.outputs)
        padding, more = _said(self)
        options = {"output_padding": more} if self.transposed else {}
        own = LAYERS[self.transposed][self.rank](
            *channels, tuple(self.weight.shape[2:]), self.stride, padding, groups=self.groups, dilation=self.dilation,
            bias=self.bias is not None, device="meta", **options)
        own.weight = nn.Parameter(self.weight.movedim((0, 1), (-1, -2)).contiguous().movedim((-1, -2), (0, 1)))
        own.bias = None if self.bias is None else nn.Parameter(self.bias.clone())
        return Frozen(own, self.finish._replace(last=True), self.batched)


def last_in_memory(array: Tensor) -> Tensor:
    """The same `(N, C, *I)` with its channels last in memory."""
    return array.movedim(1, -1).contiguous().movedim(-1, 1)


def kind_of(layer: nn.Module) -> type:
    """The class of a layer; of one whose weight is computed, the class that it was made of."""
    kind = type(layer)
    return kind.__bases__[0] if is_parametrized(layer) else kind


def _pairs(padding: Any, taps: Sequence[tuple[int, int]], stride: Sequence[int]) -> Pairs | str:
    """A layer's padding with its two ends told apart, where that does not depend on the size."""
    if padding == "same" and set(stride) == {1}:
        return tuple(((k - 1) * d // 2, (k - 1) * d - (k - 1) * d // 2) for k, d in taps)
    if padding == "same":
        return "same"
    if padding == "valid":
        return ((0, 0),) * len(taps)
    return tuple((entry, entry) if isinstance(entry, int) else tuple(entry) for entry in padding)


def _said(draft: Draft) -> tuple[Any, tuple[int, ...]]:
    """The padding and the output padding; in numbers that PyTorch has too, if they reach."""
    none = (0,) * draft.rank
    if isinstance(draft.padding, str):
        return draft.padding, none
    more = tuple(lo - hi for lo, hi in draft.padding)
    if draft.transposed and all(lo >= 0 and 0 <= extra < max(stride, dilation) for (lo, _), extra, stride, dilation
                                in zip(draft.padding, more, draft.stride, draft.dilation, strict=True)):
        return tuple(lo for lo, _ in draft.padding), more
    if not any(more) and min(map(min, draft.padding)) >= 0:
        return tuple(lo for lo, _ in draft.padding), none
    return draft.padding, none
