"""The three contractions as operators that PyTorch knows: by the engine where it serves, by PyTorch's own otherwise.

Arrays are channels-first: coarse `(N, C, *coarse)`, fine `(N, D, *fine)`, kernel `(C, D / groups, *K)`. Nothing here
has a gradient: `tconv.torch.family` adds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from .. import engine
from ..geometry import Problem
from . import direct, plain
from .activations import NOTHING, Finish
from .memory import (
    PLAIN_TYPES,
    as_array,
    as_tensor,
    channels_last,
    empty,
    kernel_tensor,
    laid,
    lies_last,
    lying_last,
)

__all__ = ["PLAIN_TYPES", "SERVED", "before_finish", "contract", "read_twice", "serves", "total"]

Sizes = Sequence[int]


def instructions() -> bool:
    """Whether the processor multiplies numbers of 16 bits; taken for granted where PyTorch does not say."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: True)() for name in names)


def served() -> tuple[torch.dtype, ...]:
    """Dtypes that go to the engine as they are: bfloat16 where it has instructions for it, or PyTorch has none."""
    if not engine.available():
        return ()
    return (torch.float32, torch.bfloat16) if engine.half_isa() == "amx" or not instructions() else (torch.float32,)


TAKES = {"conv_transpose": ("coarse", "kernel"), "conv": ("fine", "kernel"), "kernel_gradient": ("fine", "coarse")}
GIVES = {"conv_transpose": "fine", "conv": "coarse", "kernel_gradient": "kernel"}
SERVED = served()
SMALL = 2**14  # numbers, for which PyTorch's own two operations take less time than the way to the engine
SCHEMA = ("(Tensor first, Tensor second, Tensor? bias, SymInt[] stride, SymInt[] dilation, SymInt[] lo, SymInt[] size, "
          "SymInt groups) -> Tensor")


def serves(*tensors: Tensor | None) -> bool:
    """Whether the engine takes these tensors: plain, of one dtype that it serves, in this machine's memory."""
    kind = tensors[0].dtype if tensors[0] is not None else None
    if kind not in SERVED:
        return False
    for tensor in tensors:
        if tensor is not None and not (tensor.dtype is kind and tensor.is_cpu and type(tensor) in PLAIN_TYPES
                                       and tensor.layout is torch.strided):
            return False
    return engine.available()


def contract(name: str, first: Tensor, second: Tensor, bias: Tensor | None, problem: Problem,
             finish: Finish = NOTHING) -> Tensor:
    """One of the three contractions, without a gradient.

    Args:
        name: `conv_transpose` (takes coarse, kernel), `conv` (fine, kernel) or `kernel_gradient` (fine, coarse).
        first: one array.
        second: the other one.
        bias: one number for each channel of the result, or None.
        problem: the setting met by these sizes.
        finish: what is done to each result of a layer before it is stored.

    Returns:
        The third array: `(N, D, *fine)`, `(N, C, *coarse)` or `(C, D / groups, *K)`.
    """
    if _observed(first, second):
        settings = (problem.stride, problem.dilation, problem.lo, getattr(problem, GIVES[name]), problem.groups)
        return finish(getattr(torch.ops.tconv, name)(first, second, bias, *settings))
    return _computed(name, first, second, bias, problem, finish)


def before_finish(gradient: Tensor, result: Tensor | None, finish: Finish, bias: bool) -> tuple[Tensor, Tensor | None]:
    """What the sums before a layer's bias and activation receive, and its bias, without a gradient of their own.

    Args:
        gradient: what the layer's result receives.
        result: what it gave, if there is an activation: one that is told.
        finish: what was done to the sums.
        bias: whether the bias is asked for.
    """
    known = (gradient,) if result is None else (gradient, result)
    small = gradient.numel() < SMALL
    if small or _observed(gradient, known[-1]) or not (serves(*known) and lies_last(known[-1])):
        before = gradient if result is None else finish.back(gradient, result)
        return before, total(before) if bias else None
    known_array = None if result is None else as_array(result)
    array, sums = engine.before_finish(as_array(gradient), known_array, finish.activation, finish.slope, bias=bias)
    return as_tensor(array, last=True), None if sums is None else torch.from_numpy(sums).to(gradient.dtype)


def read_twice(tensor: Tensor) -> Tensor:
    """The same; as the engine reads it, if that has to be copied, so that it is copied once."""
    return lying_last(tensor) if not _observed(tensor, tensor) and serves(tensor) else tensor


def total(gradient: Tensor) -> Tensor:
    """The sum over all but the channels."""
    return gradient.sum((0, *range(2, gradient.dim())))


def _observed(first: Tensor, second: Tensor) -> bool:
    """Whether something has to see the operator itself: a compiler, a tracer, a tensor of another kind."""
    return (torch.compiler.is_compiling() or torch._C._len_torch_dispatch_stack() > 0
            or type(first) not in PLAIN_TYPES or type(second) not in PLAIN_TYPES)


def _computed(name: str, first: Tensor, second: Tensor, bias: Tensor | None, problem: Problem,
              finish: Finish = NOTHING) -> Tensor:
    if name == "kernel_gradient":
        return _gradient(first, second, problem)
    return _layer(name, first, second, bias, problem, finish)


def _layer(name: str, array: Tensor, kernel: Tensor, bias: Tensor | None, problem: Problem, finish: Finish) -> Tensor:
    last = (channels_last(array) or channels_last(kernel)) if finish.last is None else finish.last
    if serves(array, kernel, bias):
        return direct.layer(name, array, kernel, bias, problem, finish, last)
    return finish(laid(getattr(plain, name)(array, kernel, problem, bias), last))


def _gradient(fine: Tensor, coarse: Tensor, problem: Problem) -> Tensor:
    if serves(fine, coarse):
        return kernel_tensor(engine.kernel_gradient(as_array(fine), as_array(coarse), problem, channels_first=True))
    return plain.kernel_gradient(fine, coarse, problem).contiguous()


def _run(name: str, first: Tensor, second: Tensor, bias: Tensor | None, stride: Sizes, dilation: Sizes, lo: Sizes,
         size: Sizes, groups: int) -> Tensor:
    sizes: dict[str, Sizes] = dict(zip(TAKES[name], (first.shape[2:], second.shape[2:]), strict=True))
    sizes.update({GIVES[name]: size, "stride": stride, "dilation": dilation, "lo": lo})
    problem = Problem(**{key: tuple(map(int, value)) for key, value in sizes.items()}, groups=groups)
    return _computed(name, first, second, bias, problem)


def _fake(name: str, first: Tensor, second: Tensor, bias: Tensor | None, stride: Sizes, dilation: Sizes, lo: Sizes,
          size: Sizes, groups: int) -> Tensor:
    if name == "kernel_gradient":
        return first.new_empty((second.shape[1], first.shape[1] // groups, *size))
    channels = second.shape[1] * groups if name == "conv_transpose" else second.shape[0]
    return empty(first, (first.shape[0], channels, *size), channels_last(first) or channels_last(second))


_library = torch.library.Library("tconv", "DEF")
for _name in TAKES:
    _library.define(_name + SCHEMA, tags=(torch.Tag.pt2_compliant_tag, torch.Tag.needs_exact_strides))
    _library.impl(_name, partial(_run, _name), "CompositeExplicitAutograd")
    torch.library.register_fake(f"tconv::{_name}", partial(_fake, _name), lib=_library)
