"""Mending PyTorch modules, and the state dicts of modules that the user names."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..conventions import CONVENTIONS
from ..errors import DataError, SettingError, ShapeError, UnsupportedError
from ..files import write_whole
from ..geometry import Spec, per_axis, problem_from_coarse
from ..methods.channels import Array
from .mendable import BATCH, Inputs, Patient, Seen, finite, fixed, pictures, said
from .tune import Rounds

__all__ = ["StoredModule", "TorchModule"]

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

    def grow(self, where: str, kernel: Array, settings: Sequence[Spec]) -> None:
        """Give a layer a kernel of another shape, and the settings for it."""
        layer: Any = self.module.get_submodule(where)
        words = said(where, TORCH, settings)
        for name in ("kernel_size", "padding", "output_padding", "dilation"):
            setattr(layer, name, per_axis(where, name, words[name], settings[0].rank))
        weight = torch.from_numpy(TORCH.kernel_to(kernel, {}).copy()).to(layer.weight)
        layer.weight = nn.Parameter(weight, requires_grad=layer.weight.requires_grad)

    def exchange(self, where: str, kind: str) -> tuple[float, float]:
        """Refuse: the class says which layers there are.

        Raises:
            UnsupportedError: always.
        """
        raise fixed()

    def tune(self, rounds: Rounds) -> None:
        """Adam on the held kernels, each step brought back to changes that print no pattern on flat inputs."""
        starts: dict[Any, tuple[torch.Tensor, torch.Tensor]] = {}
        for where, (kernel, matrix) in rounds.held.items():
            weight: Any = self.module.get_submodule(where).weight
            start = torch.from_numpy(TORCH.kernel_to(kernel, {}).copy())
            starts[weight] = start.to(weight), torch.from_numpy(matrix).to(weight)
        adam, (x,) = torch.optim.Adam(list(starts)), rounds.inputs.values()
        for step, places, rate in rounds:
            adam.param_groups[0]["lr"] = rate
            made = _picture(self.module(torch.from_numpy(np.ascontiguousarray(x[places]))))
            wanted = torch.from_numpy(np.ascontiguousarray(rounds.wanted[places])).to(made)
            loss = torch.square(made.movedim(1, -1).reshape(wanted.shape) - wanted).mean()
            for weight, slope in zip(starts, torch.autograd.grad(loss, list(starts)), strict=True):
                weight.grad = slope
            adam.step()
            _bring_back(starts)
            rounds.tuning.told(step, loss.item())

    def save(self, path: Path) -> None:
        """Write the module's state dict."""
        write_stored(path, self.module.state_dict())


class StoredModule(TorchModule):
    """A module whose weights are in a file, alone or among other things under a name of their own.

    Args:
        path: as `torch.save` wrote it; nothing but tensors and plain containers is read.
        module: of the class that the weights belong to; they are put into it.
        shape: of one sample of its input.
    """

    def __init__(self, path: Path, module: Any, shape: tuple[int, ...] | None = None):
        if not isinstance(module, nn.Module):
            raise SettingError(f"--module: makes a {type(module).__name__}, but has to make a torch.nn.Module.")
        self._stored = read_stored(path)
        held = _fitting(self._stored, set(module.state_dict()))
        if held is None:
            raise SettingError(f"{path}: holds no weights for every part of {type(module).__name__} "
                               f"({', '.join(list(module.state_dict())[:3])}, ...); give the module that they are of.")
        self._held = held
        try:
            module.load_state_dict(held)
        except RuntimeError as error:
            raise SettingError(f"{path}: its weights do not fit {type(module).__name__} ({_first(error)}).") from None
        super().__init__(module, shape)

    def grow(self, where: str, kernel: Array, settings: Sequence[Spec]) -> None:
        """Refuse: the class that the weights are loaded into would not take them.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError("repair: stored weights cannot get a longer kernel, since the class that they are "
                               "loaded into makes one of the old size; give repair the module itself from Python, or "
                               "export it to ONNX and repair that.")

    def save(self, path: Path) -> None:
        """Write all that was in the file, with the new kernels in it."""
        for name, value in self.module.state_dict().items():
            self._held[name] = value
        write_stored(path, self._stored)


def read_stored(path: Path) -> Any:
    """What `torch.save` wrote, if it is tensors and plain containers.

    Raises:
        DataError: if the file is damaged, or would have to be trusted to run code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise DataError(f"{path}: holds more than tensors, or is no file of PyTorch's; loading it could run any code, "
                        "and it is not opened. Save module.state_dict() with torch.save.") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read ({_first(error)}); save it again with torch.save.") from None


def _fitting(stored: Any, names: set[str]) -> Any:
    """The first dictionary in there that has all those names."""
    if not isinstance(stored, dict):
        return None
    if names <= stored.keys():
        return stored
    return next((found for found in (_fitting(value, names) for value in stored.values()) if found is not None), None)


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


def _bring_back(starts: Mapping[Any, tuple[torch.Tensor, torch.Tensor]]) -> None:
    with torch.no_grad():
        for weight, (start, matrix) in starts.items():
            weight.grad = None
            change = (weight - start).flatten(2) @ matrix.T
            weight.copy_(start + change.reshape(weight.shape))


def _picture(result: Any) -> torch.Tensor:
    """The output that `pictures` takes, as a tensor."""
    found = result.values() if isinstance(result, Mapping) else result if isinstance(result, tuple | list) else [result]
    return next(one for one in found if isinstance(one, torch.Tensor) and one.ndim >= 3 and one.is_floating_point())


def _arrays(result: Any) -> list[Array]:
    found = result.values() if isinstance(result, Mapping) else result if isinstance(result, tuple | list) else [result]
    return [one.numpy() for one in found if isinstance(one, torch.Tensor)]


def _first(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
