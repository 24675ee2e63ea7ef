"""One door for every model: a path, or a live object."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import DataError, MissingExtra, ShapeError, UnsupportedError
from .facts import ModelFacts
from .graph import Shape

__all__ = ["READERS", "Reader", "read"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads what.

    Args:
        name: the module of this room.
        suffixes: of the files that it reads.
        package: that it takes, and the extra that brings it.
        classes: dotted names of the classes of live objects that it reads.
        first: what has to be done before its package is imported.
    """

    name: str
    suffixes: tuple[str, ...]
    package: str
    classes: tuple[str, ...]
    first: Callable[[], None] = lambda: None

    def read(self, model: Any, shapes: Mapping[str, Shape]) -> ModelFacts:
        """What the model holds.

        Raises:
            MissingExtra: if the framework is not installed.
        """
        self.first()
        try:
            module = import_module(f".{self.name}", __package__)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != self.package:
                raise
            raise MissingExtra("read", self.package, self.name) from None
        return module.read(model, shapes)

    def takes(self, model: Any) -> bool:
        """Whether a live object is of one of the classes."""
        return any(isinstance(model, kind) for kind in map(_loaded, self.classes) if kind is not None)


BACKENDS = ("jax", "torch", "tensorflow")


def _keras_on_some_backend() -> None:
    """Keras takes TensorFlow where nothing is said, whether it is installed or not."""
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ:
        os.environ["KERAS_BACKEND"] = next(filter(find_spec, BACKENDS), BACKENDS[0])


READERS: dict[str, Reader] = {
    row.name: row
    for row in (
        Reader("onnx", (".onnx",), "onnx", ("onnx.ModelProto",)),
        Reader("pt2", (".pt2",), "", ()),
        Reader("torch", (), "torch", ("torch.nn.Module", "torch.export.ExportedProgram")),
        Reader("keras", (".keras",), "keras", ("keras.Model", "keras.Layer"), _keras_on_some_backend),
    )
}
"""Everything that can be read."""

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")


def read(model: Any, *, shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None) -> ModelFacts:
    """What a model's convolutions and upsampling layers are, with their real sizes, kernels and costs.

    Args:
        model: a path to an ONNX file, a Keras file, or a program of `torch.export`; or such a model in memory, or a
            PyTorch module. Nothing in it is run or changed.
        shape: of the input, batch included, where the model leaves it open; by name where there are several.

    Raises:
        DataError: if the file is missing, damaged, or of a kind that is not read.
        ShapeError: if the shape does not fit.
        MissingExtra: if the framework is not installed.
    """
    shapes = _shapes(shape)
    if not isinstance(model, str | Path):
        reader = next((row for row in READERS.values() if row.takes(model)), None)
        if reader is None:
            raise UnsupportedError(f"read: a {type(model).__name__} is no model that can be read; give a path, an ONNX "
                                   "model, a Keras model or a PyTorch module.")
        return reader.read(model, shapes)
    path = Path(model)
    return _by_suffix(path).read(path, shapes)


def _shapes(shape: Any) -> Mapping[str, Shape]:
    named = {} if shape is None else dict(shape) if isinstance(shape, Mapping) else {"": shape}
    for name, sizes in named.items():
        whole = isinstance(sizes, Sequence) and sizes and not isinstance(sizes, str)
        if not whole or not all(isinstance(size, int) and size >= 1 for size in sizes):
            raise ShapeError(f"shape: {name + ' ' if name else ''}is {sizes!r}, but has to be sizes >= 1, batch "
                             "included, as (1, 3, 64, 64).")
    return {name: tuple(sizes) for name, sizes in named.items()}


def _by_suffix(path: Path) -> Reader:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file." if not path.is_dir() else
                        f"{path}: is a folder; give the model's file.")
    suffix = path.suffix.lower()
    reader = next((row for row in READERS.values() if suffix in row.suffixes), None)
    if reader is not None:
        return reader
    known = ", ".join(end for row in READERS.values() for end in row.suffixes)
    if suffix in PICKLES:
        raise UnsupportedError(f"{path}: may hold a pickle, which runs whatever it contains, and is not opened. Load "
                               "it yourself if you trust it, and save it with torch.export.save, or give the module to "
                               "tconv.models.read.")
    raise UnsupportedError(f"{path}: files ending in {suffix or 'nothing'} are not read; {known} are.")


def _loaded(name: str) -> type | None:
    """A class, if its package is imported already: no object of it can exist otherwise."""
    package, *path = name.split(".")
    found: Any = sys.modules.get(package)
    for part in path:
        found = getattr(found, part, None)
    return found
