"""PyTorch, plain layout: forward, backward, fused Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..peers.peer import Program
from ..peers.pytorch import Layout, plain, start
from ..peers.pytorch_last import channels_last
from ..steps import ADAM_EPSILON, EPSILON, RATE, Network, Step, examples, weights

__all__ = ["channels_last", "model", "plain", "programs", "programs_of", "start"]

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary_crossentropy": nn.functional.binary_cross_entropy, "mean_squared_error": nn.functional.mse_loss,
}


def programs(task: Step) -> dict[str, Program]:
    """A model of its own modules."""
    return programs_of(model(task.network), task, plain)


def programs_of(module: nn.Module, task: Step, layout: Layout,
                made: Callable[[Any], Any] = lambda function: function) -> dict[str, Program]:
    """A training step of a module; `made` may compile what gives the loss."""
    x, y = (layout(torch.from_numpy(array).movedim(-1, 1)) for array in examples(task.network))
    for weight in module.parameters():
        weight.data = layout(weight.data) if weight.ndim == 4 else weight.data
    module.train()
    optimizer = torch.optim.Adam(module.parameters(), RATE, eps=ADAM_EPSILON, fused=True)
    half, loss_of = task.dtype == "bfloat16", LOSSES[task.network.loss]

    def loss(x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = module(x)
        return loss_of(out.float(), y)

    compute = made(loss)

    def step() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        found = compute(x, y)
        found.backward()
        optimizer.step()
        return found  # type: ignore[no-any-return]

    return {"step": Program(step, lambda found: np.float32(found.item()))}


def model(network: Network) -> nn.Sequential:
    """The network of PyTorch's modules, with the first weights of all frameworks."""
    stack: list[nn.Module] = []
    for stage, kernel in zip(network.stages, weights(network), strict=True):
        kind, taken = (nn.ConvTranspose2d, kernel.shape[3]) if stage.transposed else (nn.Conv2d, kernel.shape[2])
        layer = kind(taken, stage.channels, stage.kernel, stage.stride, stage.padding, bias=not stage.norm)
        layer.weight.data = torch.from_numpy(np.moveaxis(kernel, (-1, -2), (0, 1)).copy())
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        norm = [nn.BatchNorm2d(stage.channels, eps=EPSILON)] if stage.norm else []
        stack += [layer, *norm, ACTIVATIONS[stage.activation]()]
    return nn.Sequential(*stack)
