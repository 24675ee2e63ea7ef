"""Mending Keras models, in memory and in files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..conventions.crops import cropped
from ..conventions.keras import KERAS, transposed_crops
from ..errors import ShapeError, UnsupportedError
from ..files import write_whole
from ..geometry import Spec, problem_from_coarse
from ..methods.channels import Array
from .keras_file import load
from .mendable import BATCH, Inputs, Patient, Seen, finite, fixed, pictures, said
from .tune import Rounds

__all__ = ["KerasModel"]

KINDS = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")


class KerasModel:
    """A Keras model with one input.

    Args:
        model: a path, or a model, which is copied.
        shape: of one sample of its input; random inputs need it where the model leaves sizes open.
    """

    framework = "keras"

    def __init__(self, model: Any, shape: tuple[int, ...] | None = None):
        self.model = load(model) if isinstance(model, Path) else _copied(model)
        self._shape = shape
        self._layers = _transposed(self.model)

    def patients(self) -> tuple[Patient, ...]:
        """Its transposed convolutions with a stride."""
        return tuple(Patient(name, _spec(layer), np.array(keras.ops.convert_to_numpy(layer.kernel), np.float32))
                     for name, layer in self._layers.items())

    def drawn(self, count: int, seed: int) -> Inputs:
        """Normal inputs."""
        shape = self._shape or tuple(self.model.input_shape[1:])
        if None in shape or not all(isinstance(size, int) for size in shape):
            raise ShapeError(f"repair: the model's input is {shape}, sizes left open; give --shape, batch left out, as "
                             "64x64x3, or inputs.")
        return {"x": np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)}

    def run(self, inputs: Inputs, watch: str | None = None) -> Seen:
        """What comes out, batch by batch."""
        (x,) = inputs.values()
        layer, watched = self._layers.get(watch or ""), list[Array]()
        if layer is not None:
            _listen(layer, watched)
        try:
            results = [_arrays(self.model(x[at : at + BATCH], training=False)) for at in range(0, len(x), BATCH)]
        except (ValueError, TypeError) as error:
            raise ShapeError(f"repair: the model does not run on inputs of shape {x.shape} "
                             f"({' '.join(str(error).split())[:200]}); give inputs that fit.") from None
        finally:
            if layer is not None:
                del layer.call
        last = keras.config.image_data_format() == "channels_last" if layer is None else _last(layer)
        result = finite("the model", pictures([np.concatenate(each) for each in zip(*results)], channels_last=last))
        if layer is None or not watched:
            return Seen(result)
        seen = np.concatenate(watched)
        seen = seen if _last(layer) else np.moveaxis(seen, 1, -1)
        return Seen(result, seen, problem_from_coarse(_spec(layer), seen.shape[1:-1]))

    def put(self, where: str, kernel: Array) -> None:
        """Give a layer another kernel."""
        self._layers[where].kernel.assign(kernel)

    def grow(self, where: str, kernel: Array, settings: Sequence[Spec]) -> None:
        """Build the model anew with a kernel of another shape."""
        old, words = self._layers[where], said(where, KERAS, settings)
        grown = {name: words[name] for name in ("kernel_size", "padding", "output_padding", "dilation_rate")}
        self.model = rebuilt(self.model, lambda layer: grown if layer is old else {})
        self._layers = _transposed(self.model)
        self.put(where, kernel)

    def exchange(self, where: str, kind: str) -> tuple[float, float]:
        """Refuse: the class says which layers there are.

        Raises:
            UnsupportedError: always.
        """
        raise fixed()

    def tune(self, rounds: Rounds) -> None:
        """Adam on the held kernels, each step brought back to changes that print no pattern on flat inputs."""
        (x,) = rounds.inputs.values()
        kernels = {id(self._layers[where].kernel): held for where, held in rounds.held.items()}
        moved = [self._layers[where].kernel for where in rounds.held]
        flags = [(variable, variable.trainable) for variable in self.model.variables]
        for variable, _ in flags:
            variable.trainable = id(variable) in kernels
        for variable in moved:
            variable.constraint, kept = _even(*kernels[id(variable)]), variable.constraint
            kernels[id(variable)] = kept
        try:
            trainer = self._trainer(x.shape[1:], rounds.wanted.shape[1:])
            for step, places, rate in rounds:
                trainer.optimizer.learning_rate = rate
                loss = trainer.train_on_batch(x[places], rounds.wanted[places])
                rounds.tuning.told(step, float(np.ravel(loss)[0]))
        finally:
            for variable, flag in flags:
                variable.trainable = flag
            for variable in moved:
                variable.constraint = kernels[id(variable)]

    def _trainer(self, given: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
        """The model, in the way that it is used and not trained, with results as they are wanted."""
        entry = keras.Input(given)
        made = _flat(self.model(entry, training=False))
        found = next(one for one in made if len(one.shape) >= 3)
        if not self._channels_last():
            found = keras.ops.moveaxis(found, 1, -1)
        trainer = keras.Model(entry, keras.ops.reshape(found, (-1, *wanted)))
        trainer.compile(keras.optimizers.Adam(1e-3), "mse")
        return trainer

    def _channels_last(self) -> bool:
        return all(map(_last, self._layers.values()))

    def save(self, path: Path) -> None:
        """Write the model as a Keras file."""
        if path.suffix != ".keras":
            raise UnsupportedError(f"{path}: Keras models are written to files ending in .keras; name one.")
        with tempfile.TemporaryDirectory() as folder:
            beside = Path(folder) / "model.keras"
            self.model.save(beside)
            write_whole(path, beside.read_bytes())


def rebuilt(model: Any, changed: Callable[[Any], dict[str, Any]]) -> Any:
    """A copy with other words for some layers; where these change a weight's shape, it starts anew.

    Raises:
        UnsupportedError: if Keras cannot copy the model, or leaves the layer out.
    """
    pairs: list[tuple[Any, Any]] = []

    def twin(layer: Any) -> Any:
        pairs.append((layer, type(layer).from_config(layer.get_config() | changed(layer))))
        return pairs[-1][1]

    try:
        copy = keras.models.clone_model(model, clone_function=twin, recursive=True)
    except (TypeError, ValueError) as error:
        told = " ".join(str(error).split())[:200]
        raise UnsupportedError(f"repair: Keras cannot build {model.name!r} anew ({told}); make it "
                               "Sequential or functional.") from None
    reached = {id(layer) for layer, _ in pairs}
    hidden = [layer.name for layer in model._flatten_layers() if changed(layer) and id(layer) not in reached]
    if hidden:
        raise UnsupportedError(f"repair: {hidden[0]!r} lies within a layer of another class, which Keras does not "
                               "build anew; put it into the model itself.")
    for layer, made in pairs:
        for old, new in zip(layer.weights, made.weights, strict=True):
            if old.shape == new.shape:
                new.assign(old)
    return copy


def _transposed(model: Any) -> dict[str, Any]:
    """Its transposed convolutions with a stride, by name."""
    return {layer.name: layer for layer in model._flatten_layers(include_self=False)
            if any(kind.__name__ in KINDS for kind in type(layer).__mro__) and layer.built and max(layer.strides) > 1}


def _copied(model: Any) -> Any:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _even(start: Array, matrix: Array) -> Callable[[Any], Any]:
    """What brings a kernel back to the nearest whose change from the start has even gains."""
    origin, along = (keras.ops.convert_to_tensor(each.astype(np.float32)) for each in (start, matrix))

    def constrained(kernel: Any) -> Any:
        change = keras.ops.reshape(kernel - origin, (len(matrix), -1))
        return origin + keras.ops.reshape(keras.ops.matmul(along, change), start.shape)

    return constrained


def _flat(result: Any) -> list[Any]:
    return list(result.values() if isinstance(result, dict) else result if isinstance(result, list | tuple)
                else [result])


def _listen(layer: Any, watched: list[Array]) -> None:
    """Keep what goes into a layer, until its own `call` is deleted again and that of its class is back."""
    call = layer.call

    def listening(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        watched.append(np.array(keras.ops.convert_to_numpy(inputs), np.float32))
        return call(inputs, *args, **kwargs)

    object.__setattr__(layer, "call", listening)


def _last(layer: Any) -> bool:
    return bool(layer.data_format == "channels_last")


def _spec(layer: Any) -> Spec:
    bare = Spec.of(tuple(layer.kernel_size), stride=tuple(layer.strides), dilation=tuple(layer.dilation_rate),
                   groups=getattr(layer, "groups", 1))
    return cropped(bare, transposed_crops(bare, layer.padding, layer.output_padding))


def _arrays(result: Any) -> list[Array]:
    return [np.array(keras.ops.convert_to_numpy(one)) for one in _flat(result)]
