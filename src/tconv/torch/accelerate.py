"""Put our layers in the place of PyTorch's in a network that exists."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, overload

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ..errors import SettingError
from .choosing import choose
from .freezing import frozen
from .modules import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .sequential import Sequential

__all__ = ["accelerate"]

Network = TypeVar("Network", bound=nn.Module)

OURS: dict[type, type] = {
    nn.Conv1d: Conv1d, nn.Conv2d: Conv2d, nn.Conv3d: Conv3d,
    nn.ConvTranspose1d: ConvTranspose1d, nn.ConvTranspose2d: ConvTranspose2d, nn.ConvTranspose3d: ConvTranspose3d,
    nn.Sequential: Sequential,
}
LAZY: dict[type, type] = {
    nn.LazyConv1d: Conv1d, nn.LazyConv2d: Conv2d, nn.LazyConv3d: Conv3d,
    nn.LazyConvTranspose1d: ConvTranspose1d, nn.LazyConvTranspose2d: ConvTranspose2d,
    nn.LazyConvTranspose3d: ConvTranspose3d,
}


@overload
def accelerate(module: Network, *, freeze: Literal[False] = False) -> Network: ...


@overload
def accelerate(module: nn.Module, *, freeze: bool, example: Any = None) -> nn.Module: ...


def accelerate(module: nn.Module, *, freeze: bool = False, example: Any = None) -> nn.Module:
    """Let every convolution and transposed convolution of a network run through `tconv.torch`.

    As it stands, the network itself is changed and returned: each of PyTorch's own layers becomes ours in its place,
    with the same parameters, buffers, hooks and names, so that it goes on being trained, and that optimizers,
    checkpoints and references hold. Layers of other classes, also those that derive from PyTorch's, stay as they are;
    lazy layers become ours once they know their sizes. In a `Sequential` a layer also applies the activation behind it,
    which spares passes over memory there and back; both modules stay where they are.

    With `freeze` a network for use comes back, and the one that was given stays as it is: in evaluation mode, without
    gradients for its weights, and fused. Batch norms go into the weights, activations into the store; nearest
    upsampling and the convolution behind it become one transposed convolution, of fewer multiply-adds. Where a forward
    cannot be read as a graph (`torch.fx`) because it depends on values, its parts are fused, each by itself.

    Args:
        module: a network, or one layer.
        freeze: whether to fuse a copy for use.
        example: with `freeze`, what the network is called with, a tensor or a tuple of arguments: each fused layer is
            then run on the engine and by PyTorch, and stays with whoever is the faster on this machine at this size.

    Raises:
        SettingError: if it is no `torch.nn.Module`, or the example is none or comes without `freeze`.

    >>> accelerate(nn.Sequential(nn.ConvTranspose2d(3, 8, 4, stride=2), nn.ReLU()))[0]
    ConvTranspose2d(3, 8, kernel_size=(4, 4), stride=(2, 2))
    >>> up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    >>> [layer] = accelerate(up, freeze=True).children()
    >>> layer
    Frozen(
      then relu
      (layer): ConvTranspose2d(3, 8, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    )
    """
    if not isinstance(module, nn.Module):
        raise SettingError(f"accelerate: module is of type {type(module).__name__}, but has to be a torch.nn.Module.")
    if not freeze:
        if example is not None:
            raise SettingError("accelerate: example is given without freeze; layers that go on learning all run on the "
                               "engine. Leave it out, or add freeze=True.")
        return _swapped(module)
    made = frozen(module, _swapped)
    return made if example is None else choose(made, example)


def _swapped(module: Network) -> Network:
    """The same network with our layers in the places of PyTorch's."""
    for layer in module.modules():
        kind = type(layer)
        if kind in OURS:
            layer.__class__ = OURS[kind]
        elif kind in LAZY:
            layer.cls_to_become = LAZY[kind]  # type: ignore[assignment]
        elif is_parametrized(layer) and kind.__bases__[0] in OURS:
            layer.__class__ = _rebased(kind, OURS[kind.__bases__[0]])
    return module


def _rebased(kind: type, base: type) -> type:
    """The class that PyTorch makes for a layer with parametrizations, derived from our layer."""
    own = {name: value for name, value in vars(kind).items() if name not in ("__dict__", "__weakref__")}
    return type(kind.__name__, (base,), own)
