"""The three contractions as one family that is closed under differentiation.

Each has its gradients in the other two, so that derivatives of every order stay inside, and a batching rule. There
is no forward mode here: PyTorch refuses it when asked, and `tconv.torch.calls` goes another way before that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from ..geometry import Problem
from .activations import NOTHING, Finish
from .memory import channels_last
from .operations import before_finish, contract, read_twice, total
from .plain import channelwise

__all__ = ["conv", "conv_transpose", "kernel_gradient"]

Dims = tuple[int | None, ...]
Grads = tuple[Tensor | None, ...]


def conv_transpose(coarse: Tensor, kernel: Tensor, problem: Problem, bias: Tensor | None = None,
                   finish: Finish = NOTHING) -> Tensor:
    """Coarse `(N, C, *coarse)` and kernel `(C, D / groups, *K)`, and a bias `(D,)`, to fine `(N, D, *fine)`."""
    return _apply(ConvTranspose, coarse, kernel, bias, problem, finish)


def conv(fine: Tensor, kernel: Tensor, problem: Problem, bias: Tensor | None = None,
         finish: Finish = NOTHING) -> Tensor:
    """Fine `(N, D, *fine)` and kernel `(C, D / groups, *K)`, and a bias `(C,)`, to coarse `(N, C, *coarse)`."""
    return _apply(Conv, fine, kernel, bias, problem, finish)


def kernel_gradient(fine: Tensor, coarse: Tensor, problem: Problem) -> Tensor:
    """Fine `(N, D, *fine)` and coarse `(N, C, *coarse)` to the kernel's `(C, D / groups, *K)`."""
    return _apply(KernelGradient, fine, coarse, None, problem)


def _apply(function: Any, first: Tensor, second: Tensor, bias: Tensor | None, problem: Problem,
           finish: Finish = NOTHING) -> Tensor:
    """`function.apply`, by the shortest way: its own binding of arguments takes longer than a small layer.

    An activation whose slope its result does not tell is done by itself where gradients may be asked for.
    """
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return finish(function.apply(first, second, bias, problem, finish._replace(activation=None)))
    learns = first.requires_grad or second.requires_grad or (bias is not None and bias.requires_grad)
    if (learns and torch.is_grad_enabled()) or forward_ad._current_level >= 0:
        apply = super(Function, function).apply
        if finish.told:
            return apply(first, second, bias, problem, finish)
        return finish(apply(first, second, bias, problem, finish._replace(activation=None)))
    return contract(function.contraction, first, second, bias, problem, finish)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    first, second, _, ctx.problem, ctx.finish = inputs
    ctx.save_for_backward(first, second, output if ctx.finish.activation else None)


def _layer_backward(ctx: Any, gradient: Tensor, other: Callable[..., Tensor], coarse_first: bool) -> Grads:
    """What a layer's array, kernel and bias receive; `other` is the layer that goes the other way."""
    array, kernel, result = ctx.saved_tensors
    wants, finish = ctx.needs_input_grad, ctx.finish
    if torch.is_grad_enabled():
        before = gradient if result is None else finish.back(gradient, result)
        bias = total(before) if wants[2] else None
    else:
        before, bias = before_finish(gradient, result, finish, wants[2])
        before = read_twice(before) if wants[0] and wants[1] else before
    last = bool(finish.last) or any(map(channels_last, (array, kernel, gradient)))
    fine, coarse = (before, array) if coarse_first else (array, before)
    return (other(before, kernel, ctx.problem, finish=Finish(last=last)) if wants[0] else None,
            kernel_gradient(fine, coarse, ctx.problem) if wants[1] else None, bias, None, None)


class ConvTranspose(Function):
    """Coarse and kernel to fine."""

    contraction = "conv_transpose"
    setup_context = staticmethod(_keep)

    @staticmethod
    def forward(coarse: Tensor, kernel: Tensor, bias: Tensor | None, problem: Problem, finish: Finish) -> Tensor:
        return contract("conv_transpose", coarse, kernel, bias, problem, finish)

    @staticmethod
    def backward(ctx: Any, fine: Tensor) -> Grads:
        return _layer_backward(ctx, fine, conv, coarse_first=True)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, coarse: Tensor, kernel: Tensor, bias: Tensor | None, problem: Problem,
             finish: Finish) -> Any:
        return _layer_vmap(conv_transpose, info.batch_size, in_dims, coarse, kernel, bias, problem)


class Conv(Function):
    """Fine and kernel to coarse."""

    contraction = "conv"
    setup_context = staticmethod(_keep)

    @staticmethod
    def forward(fine: Tensor, kernel: Tensor, bias: Tensor | None, problem: Problem, finish: Finish) -> Tensor:
        return contract("conv", fine, kernel, bias, problem, finish)

    @staticmethod
    def backward(ctx: Any, coarse: Tensor) -> Grads:
        return _layer_backward(ctx, coarse, conv_transpose, coarse_first=False)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, fine: Tensor, kernel: Tensor, bias: Tensor | None, problem: Problem,
             finish: Finish) -> Any:
        return _layer_vmap(conv, info.batch_size, in_dims, fine, kernel, bias, problem)


class KernelGradient(Function):
    """Fine and coarse to kernel."""

    contraction = "kernel_gradient"
    setup_context = staticmethod(_keep)

    @staticmethod
    def forward(fine: Tensor, coarse: Tensor, bias: None, problem: Problem, finish: Finish) -> Tensor:
        return contract("kernel_gradient", fine, coarse, None, problem)

    @staticmethod
    def backward(ctx: Any, kernel: Tensor) -> Grads:
        fine, coarse, _ = ctx.saved_tensors
        wants = ctx.needs_input_grad
        return (conv_transpose(coarse, kernel, ctx.problem) if wants[0] else None,
                conv(fine, kernel, ctx.problem) if wants[1] else None, None, None, None)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, fine: Tensor, coarse: Tensor, bias: None, problem: Problem,
             finish: Finish) -> Any:
        size = info.batch_size
        fine, coarse = _as_channels(fine, in_dims[0], size), _as_channels(coarse, in_dims[1], size)
        kernels = kernel_gradient(fine, coarse, replace(problem, groups=size * problem.groups))
        return kernels.unflatten(0, (size, kernels.shape[0] // size)), 0


def _layer_vmap(layer: Callable[..., Tensor], size: int, in_dims: Dims, array: Tensor, kernel: Tensor,
                bias: Tensor | None, problem: Problem) -> tuple[Tensor, int]:
    """A batch of arrays is a larger batch; a batch of kernels is as many groups of channels."""
    if in_dims[1] is None:
        array = _first(array, in_dims[0], size)
        out = layer(array.flatten(0, 1), kernel, problem).unflatten(0, array.shape[:2])
    else:
        kernels = kernel.movedim(in_dims[1], 0).flatten(0, 1)
        out = layer(_as_channels(array, in_dims[0], size), kernels, replace(problem, groups=size * problem.groups))
        out = out.unflatten(1, (size, out.shape[1] // size)).movedim(1, 0)
    if bias is None:
        return out, 0
    if in_dims[2] is None:
        return out + channelwise(bias, problem.rank), 0
    return out + bias.movedim(in_dims[2], 0).reshape(size, 1, -1, *(1,) * problem.rank), 0


def _first(array: Tensor, dim: int | None, size: int) -> Tensor:
    """An array with the mapped axis first; one that is not mapped is repeated there."""
    return array.expand(size, *array.shape) if dim is None else array.movedim(dim, 0)


def _as_channels(array: Tensor, dim: int | None, size: int) -> Tensor:
    """`(N, C, *I)`, mapped along `dim`, as `(N, size * C, *I)`."""
    return _first(array, dim, size).movedim(0, 1).flatten(1, 2)
