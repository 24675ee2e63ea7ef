"""A trained network as a file that others can run without this package: stock operations only, checked when written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from . import onnx, savedmodel, stock

__all__ = ["FORMATS", "TOLERANCE", "Exported", "Format", "export"]

TOLERANCE = 1e-4  # of the largest value that the network gives
SIDES = (32, 45)  # where a model leaves sizes open, one even and one odd


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Args:
        end: of its name.
        write: puts a Keras model there, whole.
        run: what a file makes of inputs, by a program that knows nothing of this package.
    """

    end: str
    write: Callable[[Any, Path], None]
    run: Callable[[Path, list[Array]], list[Array]]


FORMATS = {
    "onnx": Format(".onnx", onnx.write, onnx.run),
    "keras": Format(".keras", stock.write, stock.run),
    "savedmodel": Format("", savedmodel.write, savedmodel.run),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A file, and how far what it gives is from what the network gives, as a share of the largest value."""

    path: Path
    difference: float


def export(model: Any, path: Path, form: str) -> Exported:
    """Write a Keras model in a format of this table, and compare what both give on random inputs.

    Raises:
        UnsupportedError: if a layer has no stock operations, with what has.
        DataError: if the place cannot be written, or the results differ.
    """
    FORMATS[form].write(model, path)
    inputs = _inputs(model)
    found = FORMATS[form].run(path, inputs)
    difference = max(_difference(_given(model, x), y) for x, y in zip(inputs, found, strict=True))
    if not difference <= TOLERANCE:
        raise DataError(f"{path}: gives other numbers than the network, by {difference:.1e} of the largest; do not use "
                        "it, and please report this.")
    return Exported(path, difference)


def _inputs(model: Any) -> list[Array]:
    shape = tuple(model.inputs[0].shape[1:])
    sides = SIDES if None in shape else SIDES[:1]
    draw = np.random.default_rng(0)
    return [draw.random((2, *(side if size is None else size for size in shape)), np.float32) for side in sides]


def _given(model: Any, inputs: Array) -> Array:
    import keras

    return keras.ops.convert_to_numpy(model.predict_on_batch(inputs))  # type: ignore[no-any-return]


def _difference(ours: Array, theirs: Array) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-30))
