"""PyTorch as it comes: plain layout, live kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...geometry import Problem
from ...methods.channels import Array
from ..cases import Arrays, Task
from .peer import Program

__all__ = [
    "Laid", "Layout", "kernel", "last", "plain", "programs", "programs_in", "quietly", "start", "tensors", "transposed",
]

CONV = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
CONV_TRANSPOSE = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}
Layout = Callable[[Tensor], Tensor]


class Laid(NamedTuple):
    """A task in PyTorch's words: its arrays channels-first, y padded where the crop cannot be said otherwise."""

    x: Tensor
    y: Tensor
    w: Tensor
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    more: tuple[int, ...]
    cut: tuple[slice, ...]
    groups: int


def start(threads: int) -> None:
    """Let PyTorch have so many threads."""
    torch.set_num_threads(threads)


def plain(tensor: Tensor) -> Tensor:
    """A tensor in PyTorch's own layout."""
    return tensor.contiguous()


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """Its own functions on tensors in its own layout."""
    return programs_in(plain, task, arrays)


def programs_in(layout: Layout, task: Task, arrays: Arrays) -> dict[str, Program]:
    """The ways of PyTorch with tensors in a layout."""
    laid = prepare(task, arrays, layout)
    return WAYS[task.passing](laid)


def prepare(task: Task, arrays: Arrays, layout: Layout) -> Laid:
    """The arrays in a layout and a dtype, and the settings.

    `padding` cuts both ends; `output_padding` gives back at the end; what is to be cut at the end alone is cut after.
    """
    problem: Problem = task.layer.problem
    x, y, w = tensors(task, arrays)
    more = tuple(max(0, lo - hi) for lo, hi in zip(problem.lo, problem.hi, strict=True))
    over = [max(0, hi - lo) for lo, hi in zip(problem.lo, problem.hi, strict=True)]
    cut = tuple(slice(0, size) for size in problem.fine) if any(over) else ()
    y = torch.nn.functional.pad(y, [n for extra in reversed(over) for n in (0, extra)]) if cut else y
    return Laid(layout(x), layout(y), layout(w), problem.stride, problem.dilation, problem.lo, more, cut,
                problem.groups)


def tensors(task: Task, arrays: Arrays) -> tuple[Tensor, Tensor, Tensor]:
    """The arrays in a dtype, channels-first: `(N, C, *coarse)`, `(N, D, *fine)` and `(C, D / groups, *K)`."""
    dtype = getattr(torch, task.dtype)
    x, y = (torch.from_numpy(array).movedim(-1, 1).to(dtype) for array in (arrays.x, arrays.y))
    return x, y, torch.from_numpy(np.moveaxis(arrays.w, (-1, -2), (0, 1)).copy()).to(dtype)


def transposed(laid: Laid) -> Tensor:
    """The forward pass."""
    full = CONV_TRANSPOSE[len(laid.stride)](laid.x, laid.w, None, laid.stride, laid.padding, laid.more, laid.groups,
                                            laid.dilation)
    return full[(..., *laid.cut)] if laid.cut else full  # type: ignore[index]


def last(tensor: Tensor) -> Array:
    """A result channels-last, as float32."""
    return tensor.movedim(1, -1).float().numpy()


def kernel(tensor: Tensor) -> Array:
    """A kernel's gradient as `(*K, D / groups, C)`."""
    return np.moveaxis(tensor.float().numpy(), (0, 1), (-1, -2))


def backward(laid: Laid, wanted: str) -> Tensor:
    """One of the gradients, as PyTorch's own differentiation has it."""
    mask = [wanted == "x", wanted == "w", False]
    found = torch.ops.aten.convolution_backward(
        laid.y, laid.x, laid.w, None, laid.stride, laid.padding, laid.dilation, True, laid.more, laid.groups, mask)
    return next(each for each in found if each is not None)


def quietly(run: Callable[[], Any]) -> Callable[[], Any]:
    """Without a tape."""
    return torch.inference_mode()(run)  # type: ignore[no-any-return]


WAYS: dict[str, Callable[[Laid], dict[str, Program]]] = {
    "forward": lambda laid: {"conv_transpose": Program(quietly(lambda: transposed(laid)), last)},
    "input gradient": lambda laid: {
        "autograd": Program(quietly(lambda: backward(laid, "x")), last),
        "conv": Program(quietly(lambda: CONV[len(laid.stride)](
            laid.y, laid.w, None, laid.stride, laid.padding, laid.dilation, laid.groups)), last)},
    "kernel gradient": lambda laid: {"autograd": Program(quietly(lambda: backward(laid, "w")), kernel)},
}
