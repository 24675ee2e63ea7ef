"""Numbers to run a model on: those that are given, and random ones for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, ValueInfoProto, helper

from ...errors import DataError, SettingError, ShapeError, SizeError

__all__ = ["Input", "feeds", "inputs"]

Array = NDArray[Any]
SIZES = ((64, 96), (32, 48), (224, 256), (128, 160), (16, 24), (8, 12), (1, 2))
"""What to take for sizes that a model leaves open, and for a second run that is to be of another size."""
MOST = 2**28  # numbers in an input, beyond which the sizes are surely not meant


class Input:
    """One of a model's inputs: its name, its type, and its sizes, None for those that are left open."""

    def __init__(self, said: ValueInfoProto):
        tensor = said.type.tensor_type
        if not said.type.HasField("tensor_type"):
            raise DataError(f"input {said.name!r} is no tensor; only models of tensors can be run on random numbers.")
        self.name = said.name
        self.dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        self.ranked = tensor.HasField("shape")
        self.sizes = tuple(one.dim_value if one.HasField("dim_value") and one.dim_value >= 0 else None
                           for one in tensor.shape.dim)
        self.names = tuple(one.dim_param for one in tensor.shape.dim)

    @property
    def open(self) -> bool:
        """Whether some size is left open."""
        return not self.ranked or None in self.sizes


def inputs(model: ModelProto) -> list[Input]:
    """What a model has to be given."""
    held = {one.name for one in model.graph.initializer}
    return [Input(one) for one in model.graph.input if one.name not in held]


def feeds(
    model: ModelProto, given: Mapping[str, Array], shapes: Mapping[str, Sequence[int]], seed: int = 0,
) -> Iterator[list[dict[str, Array]]]:
    """Sets of inputs to try, the likelier first: two of one size each, the second of another size where that is open.

    Args:
        model: to be run.
        given: inputs by name.
        shapes: of inputs by name, for those that are not given.
        seed: of the random numbers.

    Raises:
        SettingError: if a name is none of the model's inputs.
        ShapeError: if a shape does not fit.
    """
    rows = inputs(model)
    _check(rows, given, shapes)
    rng = np.random.default_rng(seed)
    open_ones = any(row.open and row.name not in given and row.name not in shapes for row in rows)
    for small, large in SIZES if open_ones else SIZES[:1]:
        pair = ((small, 1), (large, 2 if open_ones else 1))
        yield [{row.name: given[row.name] if row.name in given else _drawn(row, shapes, *each, rng) for row in rows}
               for each in pair]


def _check(rows: list[Input], given: Mapping[str, Array], shapes: Mapping[str, Sequence[int]]) -> None:
    names = {row.name: row for row in rows}
    for name in (*given, *shapes):
        if name not in names:
            raise SettingError(f"optimize: {name!r} is no input of the model; it has {', '.join(map(repr, names))}.")
    for name, array in given.items():
        _fits(names[name], array.shape)
        if array.dtype != names[name].dtype:
            raise ShapeError(f"optimize: input {name!r} holds {array.dtype}, but the model takes {names[name].dtype}; "
                             "convert it.")
    for name, shape in shapes.items():
        _fits(names[name], tuple(shape))


def _fits(row: Input, shape: tuple[int, ...]) -> None:
    said = "x".join("?" if size is None else str(size) for size in row.sizes)
    fits = len(shape) == len(row.sizes) and all(size in (None, own) for size, own in zip(row.sizes, shape))
    if row.ranked and not fits:
        raise ShapeError(f"optimize: input {row.name!r} is given as {'x'.join(map(str, shape))}, but the model takes "
                         f"{said}; give sizes that fit.")


def _drawn(row: Input, shapes: Mapping[str, Sequence[int]], size: int, batch: int, rng: np.random.Generator) -> Array:
    shape = tuple(shapes.get(row.name, ())) or _sized(row, size, batch)
    if np.prod(shape, dtype=float) > MOST:
        raise SizeError(f"optimize: input {row.name!r} has the shape {shape}, too large to run on; give a smaller one "
                        "with --shape.")
    if row.dtype.kind == "f":
        return rng.standard_normal(shape).astype(row.dtype)
    if row.dtype.kind in "iu":
        return rng.integers(0, 2, shape).astype(row.dtype)
    if row.dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    raise DataError(f"optimize: input {row.name!r} holds {row.dtype}, of which there are no random ones; give it with "
                    "--input.")


def _sized(row: Input, size: int, batch: int) -> tuple[int, ...]:
    if not row.ranked:
        raise ShapeError(f"optimize: nothing is said of the shape of input {row.name!r}; give it with --shape "
                         f"{row.name}=1x3x224x224.")
    return tuple((batch if place == 0 else size) if own is None else own for place, own in enumerate(row.sizes))
