"""The idx format that MNIST was published in, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from .digits import Digits, check_images, parted

__all__ = ["idx_digits", "is_idx", "read_idx"]

KINDS = {0x08: "uint8", 0x09: "int8", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# A deflate stream grows by no more than this, so a short file cannot hold what a long header promises.
MOST_DEFLATED = 1032
PARTS = {
    "train": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
}
LABELS_HEADER = b"\0\0\x08\x01"


def is_idx(path: Path) -> bool:
    """Whether a file's name is one that idx files go by."""
    name = path.name.removesuffix(".gz")
    return name.endswith(("ubyte", ".idx")) or ".idx" in name


def read_idx(path: Path) -> Array:
    """Read a stack of images; sizes are checked against the file before memory is taken.

    Returns:
        uint8, shape `(N, 28, 28)`.

    Raises:
        DataError: if the file is of another kind or shape, or its length is not what its header says.
    """
    packed = path.suffix == ".gz"
    length = path.stat().st_size
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            shape = _header(path, file)
            room = length * MOST_DEFLATED if packed else length - 4 - 4 * len(shape)
            need = math.prod(shape)
            if need > room:
                raise _length(path, shape, f"the file has {length:,} bytes")
            images = np.empty(shape, np.uint8)
            got = _fill(file, images.reshape(-1).data)
            if got < need or file.read(1):
                raise _length(path, shape, f"{got:,} follow" if got < need else "more follow")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: is no whole gzip file ({error}); fetch it again.") from None
    return images


def _header(path: Path, file: Any) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4:
        raise DataError(f"{path}: is empty or cut off within its header; fetch it again.")
    if magic[:2] != b"\0\0" or magic[2] not in KINDS:
        raise DataError(f"{path}: is no idx file (it starts with {magic.hex(' ')}); give the images as MNIST "
                        "publishes them.")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(f"{path}: is cut off within its header; fetch it again.")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    check_images(str(path), shape, np.dtype(KINDS[magic[2]]))
    return shape


def _fill(file: Any, room: memoryview) -> int:
    got = 0
    while got < len(room) and (count := file.readinto(room[got : got + (1 << 20)])):
        got += count
    return got


def _length(path: Path, shape: tuple[int, ...], found: str) -> DataError:
    return DataError(f"{path}: its header says {shape[0]:,} images, {math.prod(shape):,} bytes, but {found}; the file "
                     "is damaged: fetch it again.")


def idx_digits(path: Path) -> Digits | None:
    """Images from one idx file, or from a folder that holds MNIST's two; None if the folder holds neither.

    Raises:
        DataError: if a file is damaged, or only one of the two is there.
    """
    if path.is_file():
        return parted(str(path), read_idx(path), path.name)
    found = {part: _part(path, names) for part, names in PARTS.items()}
    if not any(found.values()):
        return None
    for part, file in found.items():
        if file is None:
            raise DataError(f"{path}: holds no {PARTS[part][0]} (or .gz); put both of MNIST's image files there.")
    images = {part: read_idx(file) for part, file in found.items() if file is not None}
    labels = (_labels(path, PARTS[part], len(images[part])) for part in ("train", "test"))
    return Digits(images["train"], images["test"], f"idx files in {path.name}", *labels)


def _labels(folder: Path, names: tuple[str, ...], count: int) -> Array | None:
    """What MNIST's two files of labels say, where they lie beside the images and are whole."""
    path = _part(folder, tuple(name.replace("images", "labels").replace("idx3", "idx1") for name in names))
    if path is None:
        return None
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        header, content = file.read(8), file.read(count + 1)
    whole = header == LABELS_HEADER + count.to_bytes(4, "big") and len(content) == count
    return np.frombuffer(content, np.uint8) if whole else None


def _part(folder: Path, names: tuple[str, ...]) -> Path | None:
    candidates = (folder / (name + end) for name in names for end in ("", ".gz"))
    return next((file for file in candidates if file.is_file()), None)
