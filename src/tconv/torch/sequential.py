"""A chain of modules in which a layer and the activation behind it are one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as every

from .activations import NOTHING, of_module
from .memory import channels_last
from .modules import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

__all__ = ["Sequential", "hooked"]

OURS = (Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
OF_ALL = [getattr(every, f"_global{name}") for name in HOOKS]  # filled in place


class Sequential(nn.Sequential):
    """`torch.nn.Sequential`, in which our layers apply the activation behind them while they store a result.

    Layers and activations stay what they are: taken out, sliced off or with a hook, each works by itself.

    >>> pair = Sequential(Conv2d(1, 1, 1), nn.ReLU())
    >>> _ = nn.init.constant_(pair[0].bias, -9.0)
    >>> pair(torch.zeros(1, 1, 1, 1)).item(), pair[0](torch.zeros(1, 1, 1, 1)).item()
    (0.0, -9.0)
    """

    def forward(self, input: Any) -> Any:
        """The parts, one after the other."""
        if type(input) is not Tensor or torch.compiler.is_compiling() or torch.jit.is_tracing() or any(OF_ALL):
            return super().forward(input)
        parts: list[Any] = list(self)
        while parts:
            part = parts.pop(0)
            if type(part) not in OURS or hooked(part):
                input = part(input)
                continue
            behind = None if not parts or hooked(parts[0]) else of_module(parts[0])
            if behind is not None:
                del parts[0]
            finish = behind or NOTHING
            if part.weight.shape[1] == 1:
                finish = finish._replace(last=_wanted(parts))
            input = part.finished(input, finish)
        return input


def _wanted(rest: list[Any]) -> bool | None:
    """Where a layer puts its result's channels if its weight lies alike in both layouts: as the next one's weight."""
    following = next((layer for layer in rest if type(layer) in OURS), None)
    return True if following is not None and channels_last(following.weight) else None


def hooked(module: nn.Module) -> bool:
    """Whether somebody wants to see what goes into a module or comes out of it, or has given it another forward."""
    own = module.__dict__
    return "forward" in own or any(own.get(name) for name in HOOKS)
