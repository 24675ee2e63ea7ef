"""A whole model file, with the numbers that lie beside it, looked at before any of it is believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from ...errors import DataError, SizeError
from ...geometry.problem import MEMORY
from ..onnx_file import fetched
from ..onnx_file import load as load_file

__all__ = ["MOST", "load"]

MOST = 2**31 - 1  # bytes that one ONNX file can hold
COPIES = 6  # of a model's bytes that are in memory at once, while it is rewritten and compared


def load(path: str | Path) -> onnx.ModelProto:
    """Read a model file, and the files beside it that hold its numbers.

    Raises:
        DataError: if it is missing, no ONNX model, damaged, or names files that are not beside it.
        SizeError: if it needs more memory than there is, or is more than one file can hold.
    """
    path = Path(path)
    size = _size(path)
    _check_size(path, size)
    model = load_file(path)
    outside = [one for one in _tensors(model) if one.data_location == onnx.TensorProto.EXTERNAL]
    for one in outside:
        _check_size(path, size + _bytes(one))
        size += _bytes(one)
        one.CopyFrom(fetched(one, path.resolve().parent))
    for one in _tensors(model):
        _check(path, one)
    return model


def _size(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from None
    raise DataError(f"{path}: is {'no file' if path.exists() else 'not there'}; give an ONNX file.")


def _check_size(path: Path, size: int) -> None:
    if size > MOST:
        raise SizeError(f"{path}: is {size:,} bytes with its external data, but one ONNX file holds at most {MOST:,}; "
                        "split the model, or leave it as it is.")
    if size * COPIES > MEMORY:
        raise SizeError(f"{path}: is {size:,} bytes, and rewriting it takes {COPIES} times that, but this machine has "
                        f"{MEMORY:,} bytes of memory; use one with more.")


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    """Every tensor, wherever it is: also in attributes, nested graphs and functions."""
    yield from _held(model.graph)
    for function in model.functions:
        yield from _said(function.node)


def _held(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _said(graph.node)


def _said(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for one in node.attribute:
            if one.HasField("t"):
                yield one.t
            yield from one.tensors
            for inner in ([one.g] if one.HasField("g") else []) + list(one.graphs):
                yield from _held(inner)


def _bytes(tensor: Any) -> int:
    """What a tensor takes by its shape; 0 where that is nonsense, which is found out later."""
    try:
        each = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, TypeError):
        return 0
    return math.prod(tensor.dims) * each if min(tensor.dims, default=0) >= 0 else 0


def _check(path: Path, tensor: Any) -> None:
    """Whether there are as many numbers as the shape says."""
    held = len(tensor.raw_data)
    if tensor.HasField("raw_data") and tensor.data_type in WHOLE_BYTES and held != _bytes(tensor):
        raise DataError(f"{path}: the shape {tuple(tensor.dims)} of {tensor.name!r} takes {_bytes(tensor):,} bytes, "
                        f"but there are {held:,}; the file is damaged.")


WHOLE_BYTES = {onnx.TensorProto.DataType.Value(name) for name in
               ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT64", "INT32", "INT16", "INT8", "UINT8", "UINT16", "BOOL")}
