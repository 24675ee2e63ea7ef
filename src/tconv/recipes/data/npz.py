"""`mnist.npz` as Keras stores it."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from .digits import Digits, check_images

__all__ = ["npz_digits"]


def npz_digits(path: Path) -> Digits:
    """Images from the arrays `x_train` and `x_test`; each is checked against the archive before memory is taken.

    Raises:
        DataError: if the file is no such archive, is damaged, or its arrays are not images.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            train, test = (_images(path, archive, name) for name in ("x_train", "x_test"))
            labels = _labels(archive, "y_train", train), _labels(archive, "y_test", test)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path}: is no whole npz file ({error or 'it ends too early'}); fetch it again.") from None
    return Digits(train, test, path.name, *labels)


def _images(path: Path, archive: zipfile.ZipFile, name: str) -> Array:
    where = f"{path}: {name}"
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise DataError(f"{path}: holds no array {name}; Keras' mnist.npz has x_train and x_test.") from None
    with archive.open(member) as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
        except ValueError as error:
            raise DataError(f"{where} is no NumPy array ({error}); fetch the file again.") from None
        check_images(where, shape, dtype)
        need = math.prod(shape)
        if need > member.file_size:
            raise DataError(f"{where}: its header says {need:,} bytes, but {member.file_size:,} are there; fetch it "
                            "again.")
        content = file.read(need)
    if len(content) < need:
        raise DataError(f"{where}: its header says {need:,} bytes, but {len(content):,} are there; fetch it again.")
    return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _labels(archive: zipfile.ZipFile, name: str, images: Array) -> Array | None:
    """One whole number for each image, if the archive has them."""
    if f"{name}.npy" not in archive.namelist() or archive.getinfo(f"{name}.npy").file_size > 128 + 8 * len(images):
        return None
    with archive.open(f"{name}.npy") as file:
        labels = np.lib.format.read_array(file, allow_pickle=False)
    return labels if labels.shape == (len(images),) and labels.dtype.kind in "iu" else None
