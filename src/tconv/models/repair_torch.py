"""Mending PyTorch modules, and the state dicts of modules that the user names."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..conventions import CONVENTIONS
from ..errors import ShapeError
from ..files import write_whole
from ..geometry import Spec, problem_from_coarse
from ..methods.channels import Array
from .mendable import BATCH, Inputs, Patient, Seen, finite, pictures

__all__ = ["TorchModule"]

KINDS = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
TORCH = CONVENTIONS["torch"]


class TorchModule:
    """A PyTorch module with one input, in eval mode.

    Args:
        module: it is copied.
        shape: of one sample of its input, channels first; random inputs need it.
    """

    framework = "torch"

    def __init__(self, module: nn.Module, shape: tuple[int, ...] | None = None):
        self.module = copy.deepcopy(module).eval()
        self._shape = shape

    def patients(self) -> tuple[Patient, ...]:
        """Its transposed convolutions with a stride."""
        found = ((name, one) for name, one in self.module.named_modules() if isinstance(one, KINDS))
        return tuple(Patient(name, _spec(one), _kernel(one)) for name, one in found if max(one.stride) > 1)

    def drawn(self, count: int, seed: int) -> Inputs:
        """Normal inputs."""
        if self._shape is None:
            raise ShapeError("repair: the shape of the module's input is not known; give --shape, batch left out, as "
                             "100x1x1 for a DCGAN's, or inputs.")
        numbers = torch.Generator().manual_seed(seed)
        return {"x": torch.randn(count, *self._shape, generator=numbers).numpy()}

    def run(self, inputs: Inputs, watch: str | None = None) -> Seen:
        """What comes out, batch by batch."""
        (x,) = inputs.values()
        results: list[list[Array]] = []
        watched: list[Array] = []
        layer = None if watch is None else self.module.get_submodule(watch)
        handle = None if layer is None else layer.register_forward_pre_hook(
            lambda module, given: watched.append(given[0].numpy()))
        try:
            with torch.no_grad():
                for at in range(0, len(x), BATCH):
                    results.append(_arrays(self.module(torch.from_numpy(np.ascontiguousarray(x[at : at + BATCH])))))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ShapeError(f"repair: the module does not run on inputs of shape {x.shape} "
                             f"({_first(error)}); give --shape or inputs that fit.") from None
        finally:
            if handle is not None:
                handle.remove()
        result = finite("the module", pictures([np.concatenate(each) for each in zip(*results)], channels_last=False))
        if not watched or layer is None:
            return Seen(result)
        seen = np.moveaxis(np.concatenate(watched), 1, -1)
        return Seen(result, seen, problem_from_coarse(_spec(layer), seen.shape[1:-1]))

    def put(self, where: str, kernel: Array) -> None:
        """Give a layer another kernel."""
        layer: Any = self.module.get_submodule(where)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(TORCH.kernel_to(kernel, {}).copy()))

    def save(self, path: Path) -> None:
        """Write the module's state dict."""
        write_stored(path, self.module.state_dict())


def write_stored(path: Path, stored: Mapping[str, Any]) -> None:
    """Write tensors as `torch.load(weights_only=True)` reads them, whole or not at all."""
    content = io.BytesIO()
    torch.save(stored, content)
    write_whole(path, content.getvalue())


def _spec(layer: Any) -> Spec:
    said = {name: getattr(layer, name) for name in ("kernel_size", "stride", "padding", "output_padding", "dilation",
                                                    "groups")}
    return TORCH.read(said)


def _kernel(layer: Any) -> Array:
    return np.array(TORCH.kernel_from(layer.weight.detach().float().numpy(), {}))


def _arrays(result: Any) -> list[Array]:
    found = result.values() if isinstance(result, Mapping) else result if isinstance(result, tuple | list) else [result]
    return [one.numpy() for one in found if isinstance(one, torch.Tensor)]


def _first(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
