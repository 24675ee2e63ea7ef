"""Keras files: looked at before Keras opens them, and opened in its safe mode."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from ..errors import DataError, SizeError, TconvError, UnsupportedError
from ..geometry.problem import MEMORY

__all__ = ["load"]

WANTED = ("config.json", "model.weights.h5")
SPARE = 2**20  # bytes: a small model's file may be larger or smaller than its weights


def load(path: Path) -> Any:
    """The model in a file, not compiled.

    Raises:
        DataError: if it is no whole Keras file.
        SizeError: if it says that it is larger than this machine's memory, or than the file.
        UnsupportedError: if it has layers of classes that are not known here, or functions, which are not run.
    """
    _look(path)
    import tconv.keras  # noqa: F401  its layers may be in the file

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except TconvError:
        raise
    except MemoryError:
        raise SizeError(f"{path}: its weights are more than this machine's memory; read it on a larger one.") from None
    except Exception as error:  # Keras raises what it likes
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise UnsupportedError(f"{path}: Keras cannot load it ({first}). If it has layers of your own, load it "
                               "yourself with custom_objects, and give the model to tconv.models.read.") from None


def _look(path: Path) -> None:
    """Refuse what is no Keras file, and one that wants more memory than it has weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            missing = [name for name in WANTED if name not in sizes]
            if missing:
                raise DataError(f"{path}: is no Keras model, since it holds no {missing[0]}; save it with "
                                "model.save('name.keras').")
            if sum(sizes.values()) > MEMORY // 2:
                raise SizeError(f"{path}: says that it holds {sum(sizes.values()) / 2**30:,.1f} GiB, which is more "
                                "than this machine can; the file is damaged or hostile, or needs a larger machine.")
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, UnicodeDecodeError, json.JSONDecodeError, EOFError, NotImplementedError,
            RecursionError) as error:
        raise DataError(f"{path}: is no whole Keras file ({error}); save it again with model.save.") from None
    wanted = sum(map(_numbers, _configs(config)))
    if wanted > sizes["model.weights.h5"] + SPARE:
        raise SizeError(f"{path}: its layers want {wanted:,} numbers, but its weights have only "
                        f"{sizes['model.weights.h5']:,} bytes; the file is damaged or hostile.")


def _configs(said: Any) -> Iterator[dict[str, Any]]:
    """Every layer's entry, at any depth."""
    if isinstance(said, dict):
        if isinstance(said.get("config"), dict) and "class_name" in said:
            yield said
        for value in said.values():
            yield from _configs(value)
    elif isinstance(said, list):
        for value in said:
            yield from _configs(value)


def _numbers(entry: dict[str, Any]) -> int:
    """About how many numbers a layer's kernel has; 0 where that cannot be told."""
    config, built = entry["config"], entry.get("build_config") or {}
    shape = built.get("input_shape") if isinstance(built, dict) else None
    outs = config.get("filters") or config.get("units")
    ins = shape[-1] if isinstance(shape, list) and shape else 1
    taps = config.get("kernel_size") or 1
    counts = [outs, ins if isinstance(ins, int) else 1, *(taps if isinstance(taps, list) else [taps])]
    if not all(isinstance(count, int) and count > 0 for count in counts):
        return 0
    groups = config.get("groups")
    return math.prod(counts) // (groups if isinstance(groups, int) and groups > 0 else 1)
