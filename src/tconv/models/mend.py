"""One door for every model that can be mended: a path, or a live object."""

from __future__ import annotations

import ast
import sys
from importlib import import_module, util
from pathlib import Path
from typing import Any

from ..errors import DataError, MissingExtra, SettingError, UnsupportedError
from .mendable import Mendable

__all__ = ["mendable"]


def mendable(model: Any, *, shape: tuple[int, ...] | None = None, module: str | None = None,
             arguments: str = "") -> Mendable:
    """A copy of a model that `repair` may change.

    Args:
        model: a path to an ONNX file, a Keras file, or stored weights of PyTorch; a Keras model; a PyTorch module.
        shape: of one sample of the input, where the model leaves it open.
        module: for stored weights, what makes their module: `FILE.py:NAME` or `package.module:NAME`. It is run.
        arguments: what that is called with, as text: numbers, strings and so on, with commas between.

    Raises:
        DataError: if a file is missing or damaged.
        SettingError: if the module cannot be made.
        UnsupportedError: if the model is of a kind that is not mended.
        MissingExtra: if the framework is not installed.
    """
    if isinstance(model, str | Path):
        path = Path(model)
        if not path.is_file():
            raise DataError(f"{path}: there is no such file." if not path.exists() else
                            f"{path}: is a folder; give the model's file.")
        kind = next((kind for kind, ends in SUFFIXES.items() if path.suffix.lower() in ends), None)
        if path.suffix.lower() == ".pt2":
            raise UnsupportedError(f"{path}: is an exported program, which PyTorch runs only after it has unpickled "
                                   "parts of it, and is not mended; give the module that it was exported from "
                                   "(from Python, or its state dict with --module), or export that to ONNX.")
        if kind is None:
            raise UnsupportedError(f"{path}: files ending in {path.suffix or 'nothing'} are not mended; "
                                   f"{', '.join(end for ends in SUFFIXES.values() for end in ends)} are.")
        return _OPENERS[kind](path, shape, module, arguments)
    for kind, name in (("keras", "keras"), ("torch", "torch.nn")):  # on PyTorch, a Keras model is a module too
        loaded = sys.modules.get(name)
        if loaded is not None and isinstance(model, loaded.Module if kind == "torch" else loaded.Model):
            return _OPENERS[kind](model, shape, None, "")
    raise UnsupportedError(f"repair: a {type(model).__name__} is no model that can be mended; give a path, a Keras "
                           "model or a PyTorch module.")


SUFFIXES = {"onnx": (".onnx",), "keras": (".keras",), "torch": (".pt", ".pth", ".tar", ".ckpt", ".bin")}


def _room(name: str, extra: str) -> Any:
    try:
        return import_module(f".repair_{name}", __package__)
    except ModuleNotFoundError as error:
        raise MissingExtra("repair", error.name or name, extra) from None


def _onnx(model: Any, shape: Any, module: Any, arguments: str) -> Mendable:
    return _room("onnx", "onnx").OnnxModel(model, shape)  # type: ignore[no-any-return]


def _keras(model: Any, shape: Any, module: Any, arguments: str) -> Mendable:
    from .reading import READERS

    READERS["keras"].first()
    return _room("keras", "keras").KerasModel(model, shape)  # type: ignore[no-any-return]


def _torch(model: Any, shape: Any, module: str | None, arguments: str) -> Mendable:
    room = _room("torch", "torch")
    if not isinstance(model, Path):
        return room.TorchModule(model, shape)  # type: ignore[no-any-return]
    if module is None:
        raise SettingError(f"{model}: stored weights do not say which layers they belong to; give --module "
                           "FILE.py:NAME, the class or function that makes the module.")
    return room.StoredModule(model, _made(module, arguments), shape)  # type: ignore[no-any-return]


_OPENERS = {"onnx": _onnx, "keras": _keras, "torch": _torch}


def _made(module: str, arguments: str) -> Any:
    place, _, name = module.rpartition(":")
    if not place or not name.isidentifier():
        raise SettingError(f"--module: is {module!r}, but has to be FILE.py:NAME or package.module:NAME.")
    try:
        values = ast.literal_eval(f"({arguments},)") if arguments.strip() else ()
    except (ValueError, SyntaxError):
        raise SettingError(f"--arguments: is {arguments!r}, but has to be numbers and texts with commas between, as in "
                           "\"0, 3, 100, 64\".") from None
    try:
        maker = getattr(_imported(place), name)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        raise SettingError(f"--module: {module!r} cannot be imported ({error}).") from None
    try:
        return maker(*values)
    except TypeError as error:
        raise SettingError(f"--arguments: {name}({arguments}) cannot be called ({error}).") from None


def _imported(place: str) -> Any:
    if not place.endswith(".py"):
        return import_module(place)
    spec = util.spec_from_file_location(Path(place).stem, place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is no Python file")
    found = util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
