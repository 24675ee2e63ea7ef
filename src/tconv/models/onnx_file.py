"""ONNX files as they lie on a disk: whole, of a bearable size, with weights beside them and nowhere else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from ..errors import DataError, SizeError
from ..geometry.problem import MEMORY
from .graph import Array

__all__ = ["fetched", "load", "weight_values"]

EXTERNAL = onnx.TensorProto.EXTERNAL


def load(path: Path) -> onnx.ModelProto:
    """The model in a file, without the weights that lie beside it.

    Raises:
        DataError: if it is no ONNX model, or truncated.
        SizeError: if it is larger than this machine's memory.
    """
    size = path.stat().st_size
    if 3 * size > MEMORY:
        raise SizeError(f"{path}: has {size / 2**30:,.1f} GiB, and to read it takes three times as much memory; this "
                        f"machine has {MEMORY / 2**30:,.1f} GiB. Store the weights beside it, as external data.")
    try:
        proto = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, ValueError, RuntimeError):
        raise DataError(f"{path}: is no ONNX model, or only a part of one ({size:,} bytes); export or download it "
                        "again.") from None
    if not proto.graph.node or not proto.opset_import:
        raise DataError(f"{path}: holds no ONNX graph ({size:,} bytes); export or download it again.")
    return proto


def weight_values(tensor: onnx.TensorProto, folder: Path | None) -> Array:
    """A weight as an array.

    Args:
        tensor: from the model.
        folder: the model file's, in which external data has to be; None for a model in memory.

    Raises:
        DataError: if the data is missing, too short, or outside the folder.
        SizeError: if it is larger than this machine's memory.
    """
    count = math.prod(tensor.dims)
    if min(tensor.dims, default=0) < 0 or count * 4 > MEMORY:
        raise SizeError(f"weight {tensor.name!r}: its shape {tuple(tensor.dims)} says {count:,} numbers, which is more "
                        "than this machine's memory; the file is damaged or hostile.")
    try:
        if tensor.data_location == EXTERNAL:
            tensor = fetched(tensor, folder)
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, onnx.checker.ValidationError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"weight {tensor.name!r}: its data does not fill its shape {tuple(tensor.dims)} ({error}); the "
                        "file is damaged. Export or download it again.") from None


def fetched(tensor: onnx.TensorProto, folder: Path | None) -> onnx.TensorProto:
    """The tensor with its external data in it.

    Raises:
        DataError: if that is missing, too short, or outside the folder.
    """
    said: dict[str, Any] = {entry.key: entry.value for entry in tensor.external_data}
    place = said.get("location", "")
    if folder is None:
        raise DataError(f"weight {tensor.name!r}: lies in the file {place!r}, but the model is in memory; give the "
                        "model's path, or load it with its external data.")
    path = (folder / place).resolve()
    if not place or Path(place).is_absolute() or not path.is_relative_to(folder.resolve()):
        raise DataError(f"weight {tensor.name!r}: is said to lie in {place!r}, outside the model's folder, which is "
                        "not followed; put its data beside the model.")
    if not path.is_file():
        raise DataError(f"weight {tensor.name!r}: lies in {place!r}, which is not beside the model; put that file into "
                        f"{folder.resolve()}.")
    try:
        offset = int(said.get("offset") or 0)
        length = int(said.get("length") or path.stat().st_size - offset)
    except ValueError:
        raise DataError(f"weight {tensor.name!r}: its place in {place!r} is no number; the model is damaged.") from None
    if offset < 0 or length < 0 or offset + length > path.stat().st_size:
        raise DataError(f"weight {tensor.name!r}: bytes {offset:,} to {offset + length:,} of {place!r} are wanted, but "
                        f"it has {path.stat().st_size:,}; it is truncated, or belongs to another model.")
    whole = onnx.TensorProto()
    whole.CopyFrom(tensor)
    del whole.external_data[:]
    whole.data_location = onnx.TensorProto.DEFAULT
    with path.open("rb") as file:
        file.seek(offset)
        whole.raw_data = file.read(length)
    return whole
