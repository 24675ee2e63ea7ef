"""Keras models that were trained on PyTorch before Keras 3.15.0, made to compute what they computed then.

There 'same' with an odd crop cut the odd sample at the start; since 3.15.0 it is cut at the end, as on every other
backend. One zero tap behind the kernel makes the crop even, so that the layer means the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MissingExtra, SettingError, UnsupportedError

__all__ = ["Change", "changes", "migrated"]


@dataclass(frozen=True)
class Change:
    """What becomes of one layer.

    Args:
        layer: its name.
        kernel_size: taps before and after, per axis.
        output_padding: afterwards.
    """

    layer: str
    kernel_size: tuple[tuple[int, ...], tuple[int, ...]]
    output_padding: tuple[int | None, ...] | None

    def __str__(self) -> str:
        was, now = ("x".join(map(str, sizes)) for sizes in self.kernel_size)
        return f"{self.layer}: a zero tap behind the kernel, {was} to {now}"


def changes(model: Any) -> tuple[Change, ...]:
    """What `migrated` does to a model, layer by layer; empty if the old and the new Keras agree on it."""
    found = (_change(layer) for layer in _all_layers(model))
    return tuple(change for change in found if change is not None)


def migrated(model: Any) -> Any:
    """A model that computes what `model` computed on PyTorch under Keras before 3.15.0, on every backend.

    Args:
        model: Sequential or functional, as today's Keras loads the old file or configuration, with the old weights.

    Returns:
        A new model with weights of its own, not compiled; exactly equal, since a zero tap adds nothing.

    Raises:
        SettingError: if it is no Keras model.
        UnsupportedError: if Keras cannot copy it, or a layer that changes is hidden in one of a class of its own.

    >>> import keras
    >>> up = keras.layers.Conv1DTranspose(1, 3, strides=2, padding="same", name="up")
    >>> old = keras.Sequential([keras.Input((4, 1)), up])
    >>> [str(change) for change in changes(old)]
    ['up: a zero tap behind the kernel, 3 to 4']
    >>> migrated(old).layers[0].kernel_size
    (4,)
    """
    keras = _keras(model)
    done: list[tuple[Any, Any]] = []

    def twin(layer: Any) -> Any:
        change, config = _change(layer), layer.get_config()
        if change is not None:
            config |= {"kernel_size": change.kernel_size[1], "output_padding": change.output_padding}
        made = type(layer).from_config(config)
        done.append((layer, made))
        return made

    try:
        copied = keras.models.clone_model(model, clone_function=twin, recursive=True)
    except (TypeError, ValueError) as error:
        raise UnsupportedError(f"migrated: Keras cannot copy {model.name!r} of class {type(model).__name__} ({error}); "
                               "make it Sequential or functional.") from error
    reached = {id(layer) for layer, _ in done}
    hidden = [layer.name for layer in _all_layers(model) if _change(layer) is not None and id(layer) not in reached]
    if hidden:
        raise UnsupportedError(f"migrated: {', '.join(hidden)} lies within a layer of another class, which stays as it "
                               "is; take tconv.keras.Conv2DTranspose there, with padding in numbers.")
    for layer, made in done:
        made.set_weights([_grown(value, shape.shape) for value, shape in zip(layer.get_weights(), made.weights)])
    return copied


def _keras(model: Any) -> Any:
    try:
        import keras
    except ImportError:
        raise MissingExtra("migrated", "keras", "keras") from None
    if not isinstance(model, keras.Model):
        raise SettingError(f"migrated: model is of type {type(model).__name__}, but has to be a Keras model.")
    return keras


def _all_layers(model: Any) -> list[Any]:
    _keras(model)
    return list(model._flatten_layers())


def _change(layer: Any) -> Change | None:
    """What a layer needs to mean what it meant."""
    if not type(layer).__name__.endswith("DTranspose") or getattr(layer, "padding", None) != "same":
        return None
    given = layer.output_padding
    each = (None,) * layer.rank if given is None else (given,) * layer.rank if isinstance(given, int) else tuple(given)
    rows = [_axis(layer.name, *row) for row in zip(layer.kernel_size, layer.strides, layer.dilation_rate, each)]
    sizes = tuple(size for size, _ in rows)
    if sizes == tuple(layer.kernel_size):
        return None
    paddings = [more for _, more in rows]
    if None in paddings and paddings != [None] * layer.rank:
        paddings = [stride - size % 2 if more is None else more
                    for size, stride, more in zip(sizes, layer.strides, paddings)]
    if any(more is not None and more >= stride for more, stride in zip(paddings, layer.strides)):
        raise _unsayable(layer.name)
    output_padding = None if paddings[0] is None else tuple(paddings)
    return Change(layer.name, (tuple(layer.kernel_size), sizes), output_padding)


def _axis(name: str, kernel: int, stride: int, dilation: int, more: int | None) -> tuple[int, int | None]:
    """The kernel size and the output_padding that keep an axis' old meaning."""
    reach = (kernel - 1) * dilation + 1
    total = reach - reach % 2 - (stride - reach % 2 if more is None else more)
    if total <= 0 or total % 2 == 0:
        return kernel, more
    if dilation > 1 or (stride == 1 and more is None):
        raise _unsayable(name)
    if more is None or more == stride - kernel % 2:
        return kernel + 1, None
    return kernel + 1, more + kernel % 2 - (kernel + 1) % 2


def _unsayable(name: str) -> UnsupportedError:
    return UnsupportedError(f"migrated: no layer of Keras' own has the old meaning of {name}; take that of tconv.keras "
                            "with its crop in numbers, padding=((reach - stride + 1) // 2, ...).")


def _grown(array: Any, shape: tuple[int, ...]) -> Any:
    """An array with zeros behind it along its axes, up to a shape."""
    return np.pad(array, [(0, new - old) for old, new in zip(array.shape, shape, strict=True)])
