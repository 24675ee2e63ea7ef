"""PyTorch's arguments and the sizes of a call as one `Problem`: translated and checked once, then remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ..conventions.torch import conv_problem, transposed_problem
from ..errors import ShapeError
from ..geometry import Extent, Problem
from .operations import PLAIN_TYPES

__all__ = ["ordinary", "sayable", "transposed"]

Settings = tuple[Any, ...]
Shape = tuple[int, ...]
REMEMBERED = 4096  # each combination of settings and sizes is one
STAND_IN = 2**16  # a size for translations that do not depend on it


def transposed(rank: int, settings: Settings, input: Tensor, weight: Tensor, bias: Tensor | None) -> Problem:
    """The problem of a transposed convolution.

    Args:
        rank: number of spatial axes.
        settings: stride, padding, output_padding, dilation, groups, output_size.
        input: shape `(N, C, *I)`.
        weight: shape `(C, D / groups, *K)`.
        bias: shape `(D,)`.

    Raises:
        SettingError, ShapeError, SizeError: as the functions that call it say.
    """
    if not torch.compiler.is_compiling():
        return _remembered(_transposed, rank, settings, input, weight, bias)
    settings = _frozen(settings)
    if settings[-1] is not None:
        return _transposed.__wrapped__(rank, *settings, input.shape, weight.shape, None, 0)
    problem = _transposed.__wrapped__(rank, *settings, _stand_in(input), weight.shape, None, 0)
    coarse = tuple(input.shape[2:])
    fine = tuple(axis.fine(size) for axis, size in zip(problem.axes, coarse, strict=True))
    return replace(problem, coarse=coarse, fine=fine)


def ordinary(rank: int, settings: Settings, input: Tensor, weight: Tensor, bias: Tensor | None) -> Problem:
    """The problem of a convolution; `settings` are stride, padding, dilation, groups, the rest as in `transposed`."""
    if not torch.compiler.is_compiling():
        return _remembered(_ordinary, rank, settings, input, weight, bias)
    settings = _frozen(settings)
    if not sayable(settings[1]):
        return _ordinary.__wrapped__(rank, *settings, input.shape, weight.shape, None, 0)
    problem = _ordinary.__wrapped__(rank, *settings, _stand_in(input), weight.shape, None, 0)
    axes = [replace(axis, crop=(axis.lo, axis.lo)) for axis in problem.axes]  # PyTorch pads both ends alike
    fine = tuple(input.shape[2:])
    coarse = tuple(axis.coarse(size) for axis, size in zip(axes, fine, strict=True))
    return replace(problem, coarse=coarse, fine=fine)


def sayable(padding: Any) -> bool:
    """Whether PyTorch knows such a padding."""
    return isinstance(padding, int) or (isinstance(padding, (tuple, list)) and all(isinstance(p, int) for p in padding))


def _stand_in(input: Tensor) -> Shape:
    """A shape for telling the crop while compiling: the sizes themselves may be symbols, and shall stay so."""
    return (1, input.shape[1], *(STAND_IN,) * (input.dim() - 2))


def _remembered(translate: Callable[..., Problem], rank: int, settings: Settings, input: Tensor, weight: Tensor,
                bias: Tensor | None) -> Problem:
    shapes: tuple[Any, ...] = (input.shape, weight.shape, None if bias is None else bias.shape)
    if torch.jit.is_tracing():  # sizes are tensors then
        shapes = tuple(None if shape is None else tuple(map(int, shape)) for shape in shapes)
    itemsize = input.element_size() if type(input) in PLAIN_TYPES and input.is_cpu else 0
    try:
        return translate(rank, *settings, *shapes, itemsize)
    except TypeError:  # a list has no hash
        return translate(rank, *_frozen(settings), *shapes, itemsize)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (tuple, list)) else value


@lru_cache(REMEMBERED, typed=True)
def _transposed(rank: int, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int,
                output_size: Any, input: Shape, weight: Shape, bias: Shape | None, itemsize: int) -> Problem:
    where = f"conv_transpose{rank}d"
    _ranks(where, rank, input, weight)
    if isinstance(output_size, tuple) and len(output_size) in (rank + 1, rank + 2):
        output_size = output_size[-rank:]
    problem = transposed_problem(
        kernel_size=weight[2:], stride=_spread(stride, rank), padding=_spread(padding, rank),
        output_padding=_spread(output_padding, rank), dilation=_spread(dilation, rank), groups=groups, coarse=input[2:],
        output_size=_spread(output_size, rank),
    )
    _divided(where, weight, groups)
    takes = f"{weight[0]} (axis 0 of {tuple(weight)})"
    _channels(where, input, weight[0], takes, "(in, out / groups, *kernel_size)")
    _biased(where, bias, weight[1] * groups)
    problem.check_memory(where, Extent(input[0], weight[0], weight[1] * groups), itemsize)
    return problem


@lru_cache(REMEMBERED, typed=True)
def _ordinary(rank: int, stride: Any, padding: Any, dilation: Any, groups: int, input: Shape, weight: Shape,
              bias: Shape | None, itemsize: int) -> Problem:
    where = f"conv{rank}d"
    _ranks(where, rank, input, weight)
    problem = conv_problem(kernel_size=weight[2:], stride=_spread(stride, rank), padding=_spread(padding, rank),
                           dilation=_spread(dilation, rank), groups=groups, fine=input[2:])
    _divided(where, weight, groups)
    times = f", times groups={groups}" if groups > 1 else ""
    takes = f"{weight[1] * groups} (axis 1 of {tuple(weight)}{times})"
    _channels(where, input, weight[1] * groups, takes, "(out, in / groups, *kernel_size)")
    _biased(where, bias, weight[0])
    problem.check_memory(where, Extent(input[0], weight[0], weight[1] * groups), itemsize)
    return problem


def _spread(value: Any, rank: int) -> Any:
    """A sequence of one stands for all axes, as PyTorch has it."""
    return value * rank if isinstance(value, tuple) and len(value) == 1 else value


def _ranks(where: str, rank: int, input: Shape, weight: Shape) -> None:
    for name, shape, layout in (("input", input, "(N, C, *I) or (C, *I)"), ("weight", weight, "(C, D / groups, *K)")):
        if len(shape) != rank + 2:
            raise ShapeError(f"{where}: {name} has shape {tuple(shape)}, but has to be {layout}, with {rank} sizes.")


def _divided(where: str, weight: Shape, groups: int) -> None:
    if weight[0] % groups:
        raise ShapeError(f"{where}: {weight[0]} channels (axis 0 of the weight, {tuple(weight)}) do not fall into "
                         f"groups={groups}; take a group count that divides them.")


def _channels(where: str, input: Shape, wanted: int, takes: str, layout: str) -> None:
    if input[1] != wanted:
        raise ShapeError(f"{where}: input has {input[1]} channels (axis 1 of {tuple(input)}), but the weight takes "
                         f"{takes}. The weight is laid out {layout}.")


def _biased(where: str, bias: Shape | None, channels: int) -> None:
    if bias is not None and tuple(bias) != (channels,):
        raise ShapeError(f"{where}: bias has shape {tuple(bias)}, but the result has {channels} channels; "
                         f"give ({channels},).")
