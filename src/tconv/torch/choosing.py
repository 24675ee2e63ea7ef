"""Which of two ways a frozen layer takes, the engine or PyTorch's own operations, by running both."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import SettingError
from .frozen import Frozen

__all__ = ["choose"]

TURNS = 7
GAIN = 0.98  # what PyTorch's way has to come down to, in shares of the engine's time


def choose(network: nn.Module, example: Any) -> nn.Module:
    """Let each frozen layer take the way that was the faster on what reaches it from an example.

    Args:
        network: frozen; changed.
        example: what the network is called with, one tensor or a tuple of arguments.

    Raises:
        SettingError: if the network cannot be called with it.
    """
    seen = _reaching(network, example if isinstance(example, tuple) else (example,))
    for layer in list(network.modules()):
        other = layer.own() if isinstance(layer, Frozen) and layer in seen else None
        if other is not None and _faster(other, layer, seen[layer]):
            layer.layer = other.layer  # type: ignore[union-attr]
    return network


def _reaching(network: nn.Module, arguments: tuple[Any, ...]) -> dict[nn.Module, Tensor]:
    """The input of each frozen layer."""
    seen: dict[nn.Module, Tensor] = {}

    def see(layer: nn.Module, inputs: Any) -> None:
        seen.setdefault(layer, inputs[0])

    hooks = [layer.register_forward_pre_hook(see) for layer in network.modules() if isinstance(layer, Frozen)]
    try:
        with torch.inference_mode():
            network(*arguments)
    except Exception as error:
        raise SettingError(f"accelerate: the network cannot be called with the example ({error}); give what it takes, "
                           "or leave the example out.") from error
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _faster(one: nn.Module, other: nn.Module, x: Tensor) -> bool:
    """Whether the least of some times of one is clearly less than the other's; they are run in turns."""
    times: dict[nn.Module, list[float]] = {one: [], other: []}
    with torch.inference_mode():
        for turn in range(TURNS + 1):
            for layer, mine in times.items():
                start = time.perf_counter()
                layer(x)
                if turn:  # the first one fills caches
                    mine.append(time.perf_counter() - start)
    return min(times[one]) < GAIN * min(times[other])
