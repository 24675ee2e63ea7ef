"""A chain of modules in which a layer and the activation behind it are one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as every

from .activations import NOTHING, of_module
from .around import CARRYING
from .memory import channels_last
from .modules import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

__all__ = ["Sequential", "hooked"]

OURS = (Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
OF_ALL = [getattr(every, f"_global{name}") for name in HOOKS]  # filled in place


class Sequential(nn.Sequential):
    """`torch.nn.Sequential`, in which our layers apply the activation behind them while they store a result.

    From one of our layers to the next, channels lie last in memory, so that nothing is copied; what leaves the chain
    lies as it does in PyTorch. Layers and activations stay what they are: taken out, sliced off or with a hook, each
    works by itself.

    >>> pair = Sequential(Conv2d(1, 1, 1), nn.ReLU())
    >>> _ = nn.init.constant_(pair[0].bias, -9.0)
    >>> pair(torch.zeros(1, 1, 1, 1)).item(), pair[0](torch.zeros(1, 1, 1, 1)).item()
    (0.0, -9.0)
    """

    def forward(self, input: Any) -> Any:
        """The parts, one after the other."""
        if type(input) is not Tensor or torch.compiler.is_compiling() or torch.jit.is_tracing() or any(OF_ALL):
            return super().forward(input)
        parts = list(_apart(self))
        within = plain = False
        while parts:
            part = parts.pop(0)
            if type(part) not in OURS or hooked(part):
                input = part(input)
                continue
            behind = None if not parts or hooked(parts[0]) else of_module(parts[0])
            if behind is not None:
                del parts[0]
            plain = (plain if within else not channels_last(input)) and not channels_last(part.weight)
            within = _goes_on(parts)
            alike = part.weight.shape[1] == 1 and _wanted(parts)
            last = True if within or alike else False if plain else None
            input = part.finished(input, (behind or NOTHING)._replace(last=last))
            if last is False:
                input = input.contiguous()
        return input


def _apart(chain: Sequential) -> Iterator[Any]:
    """The parts of a chain, and in place of chains among them their parts."""
    for part in chain:
        if type(part) is Sequential and not hooked(part):
            yield from _apart(part)
        else:
            yield part


def _wanted(rest: list[Any]) -> bool:
    """Whether the weight of the layer that follows has its channels last: its word where one's own lies alike."""
    following = next((layer for layer in rest if type(layer) in OURS), None)
    return following is not None and channels_last(following.weight)


def _goes_on(rest: list[Any]) -> bool:
    """Whether another of our layers follows, and all until there take an array however it lies."""
    for part in rest:
        if type(part) in OURS or type(part) not in CARRYING or hooked(part):
            return type(part) in OURS and not hooked(part)
    return False


def hooked(module: nn.Module) -> bool:
    """Whether somebody wants to see what goes into a module or comes out of it, or has given it another forward."""
    own = module.__dict__
    return "forward" in own or any(own.get(name) for name in HOOKS)
