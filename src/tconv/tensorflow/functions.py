"""`tf.nn`'s transposed convolutions: the same signatures, `output_shape` honoured, and no setting refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ..conventions.tensorflow import transposed_problem
from ..errors import SettingError, ShapeError, UnsupportedError
from . import operations

__all__ = ["conv1d_transpose", "conv2d_transpose", "conv3d_transpose", "conv_transpose"]

FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


@tf.autograph.experimental.do_not_convert
def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> tf.Tensor:
    """Stamp the kernel at every input cell, so that the result has the shape that is asked for.

    Args:
        input: shape `(N, *I, C)`, or `(N, C, *I)` where the data format says so; one axis or more.
        filters: shape `(*K, D / groups, C)`. How many groups there are follows from the channels in `output_shape`.
        output_shape: `(N, *O, D)` or `(N, D, *O)`, as the data format; numbers, or a tensor.
        strides: samples, one for all axes or one each, with or without ones for batch and channels.
        padding: "SAME", "VALID", or a pair per axis, with or without pairs for batch and channels.
        data_format: "NWC", "NHWC", "NDHWC", or with the channels second, "NCW", "NCHW", "NCDHW".
        dilations: samples, as the strides; goes with any stride.
        name: of the operation, in a graph.

    Returns:
        A tensor of `output_shape`; the dtype of `input`.

    Raises:
        ShapeError: if the shapes do not fit one another, or no such layer has this output shape.
        SettingError: if an argument is out of range.
        UnsupportedError: if a size is not known while the graph is made, and `tf.nn` has no operation for the setting.

    >>> conv_transpose(tf.ones((1, 3, 1)), tf.ones((3, 1, 1)), (1, 7, 1), 2, "VALID").numpy().ravel().tolist()
    [1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0]
    """
    with tf.name_scope(name or "conv_transpose"):
        x, kernel = tf.convert_to_tensor(input), tf.convert_to_tensor(filters)
        rank = kernel.shape.rank - 2
        if rank < 1 or x.shape.rank != rank + 2:
            raise ShapeError(f"conv_transpose: input has shape {tuple(x.shape)} and filters {tuple(kernel.shape)}; "
                             "they want as many axes, an array (batch, one size or more, channels) and filters "
                             "(*K, D / groups, C).")
        last = _channels_last(rank, data_format)
        order = [0, *range(2, rank + 2), 1]
        shape = _entries(output_shape, rank)
        settings = [_spatial(value, rank, last) for value in (strides, padding, dilations)]
        if last:
            return _channels_last_face(x, kernel, shape, *settings)
        y = _channels_last_face(tf.transpose(x, order), kernel, [shape[i] for i in order], *settings)
        return tf.transpose(y, [0, rank + 1, *range(1, rank + 1)])


@tf.autograph.experimental.do_not_convert
def conv1d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NWC",
    dilations: Any = None, name: str | None = None,
) -> tf.Tensor:
    """`conv_transpose` of input `(N, I, C)` with filters `(K, D / groups, C)`."""
    return _of_rank(1, input, filters, output_shape, strides, padding, data_format, dilations, name)


@tf.autograph.experimental.do_not_convert
def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> tf.Tensor:
    """`conv_transpose` of input `(N, *I, C)` with filters `(*K, D / groups, C)`, two axes each."""
    return _of_rank(2, input, filters, output_shape, strides, padding, data_format, dilations, name)


@tf.autograph.experimental.do_not_convert
def conv3d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str = "NDHWC",
    dilations: Any = None, name: str | None = None,
) -> tf.Tensor:
    """`conv_transpose` of input `(N, *I, C)` with filters `(*K, D / groups, C)`, three axes each."""
    return _of_rank(3, input, filters, output_shape, strides, padding, data_format, dilations, name)


def _of_rank(rank: int, input: Any, filters: Any, *settings: Any) -> tf.Tensor:
    filters = tf.convert_to_tensor(filters)
    if filters.shape.rank != rank + 2:
        raise ShapeError(f"conv{rank}d_transpose: filters have shape {tuple(filters.shape)}, but {rank} spatial axes "
                         f"want {rank + 2}: (*K, D / groups, C).")
    return conv_transpose(input, filters, *settings)


def _channels_last(rank: int, data_format: str | None) -> bool:
    known = FORMATS.get(rank, ("N...C", "NC..."))
    if data_format not in (None, *known):
        raise SettingError(f"conv_transpose: data_format is {data_format!r}, but has to be {known[0]!r} or "
                           f"{known[1]!r}.")
    return data_format != known[1]


def _entries(output_shape: Any, rank: int) -> list[Any]:
    """The entries of an output shape: numbers where they are known, tensors where not."""
    if not tf.is_tensor(output_shape):
        output_shape = list(output_shape)
    packed = tf.convert_to_tensor(output_shape)
    if packed.shape.rank != 1 or packed.shape[0] != rank + 2:
        raise ShapeError(f"conv_transpose: output_shape is {output_shape}, but {rank} spatial axes want {rank + 2} "
                         "entries, batch and channels included.")
    known = tf.get_static_value(packed, partial=True)
    values = [None] * (rank + 2) if known is None else list(known)
    return [packed[i] if value is None else int(value) for i, value in enumerate(values)]


def _spatial(value: Any, rank: int, last: bool) -> Any:
    """One entry for each spatial axis, or one for all, of a list that may also have them for batch and channels."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    if len(value) == 1 and rank > 1:
        return value[0]
    return value if len(value) != rank + 2 else value[1:-1] if last else value[2:]


def _channels_last_face(x: Any, kernel: Any, shape: list[Any], strides: Any, padding: Any, dilations: Any) -> tf.Tensor:
    groups = _groups(x, kernel, shape)
    sizes = (*x.shape[1:-1], *shape[1:-1])
    if any(size is None or tf.is_tensor(size) for size in sizes):
        return _unknown_sizes(x, kernel, shape, strides, padding, dilations, groups)
    dilations = 1 if dilations is None else dilations
    problem = transposed_problem(kernel_size=tuple(kernel.shape[:-2]), output_shape=shape[1:-1], strides=strides,
                                 padding=padding, dilations=dilations, groups=groups, coarse=tuple(x.shape[1:-1]))
    return operations.conv_transpose(x, kernel, problem)


def _groups(x: Any, kernel: Any, shape: list[Any]) -> int:
    """How many groups the channels fall into; the shapes are checked where no problem checks them."""
    batch, channels, each = shape[0], shape[-1], kernel.shape[-2]
    if tf.is_tensor(channels):
        channels = each
    if channels < 1 or each < 1 or channels % each:
        raise ShapeError(f"conv_transpose: output_shape has {channels} channels, but the filters give {each} for each "
                         f"group (last but one axis of {tuple(kernel.shape)}); ask for {each}, or a multiple for as "
                         "many groups.")
    if None not in (x.shape[0], batch) and not tf.is_tensor(batch) and x.shape[0] != batch:
        raise ShapeError(f"conv_transpose: output_shape has a batch of {batch}, but the input one of {x.shape[0]}; "
                         "they have to be the same.")
    return int(channels // each)


def _unknown_sizes(
    x: Any, kernel: Any, shape: list[Any], strides: Any, padding: Any, dilations: Any, groups: int
) -> tf.Tensor:
    """`tf.nn`'s own operation, which works its sizes out while it runs."""
    flat = dilations if isinstance(dilations, Sequence) else [dilations or 1]
    if groups > 1 or max(flat) > 1:
        raise UnsupportedError(f"conv_transpose: a size is not known while the graph is made (input {x.shape}), and "
                               f"with groups={groups} and dilations={dilations} it has to be; give the input and "
                               "output_shape fixed spatial sizes.")
    if not isinstance(padding, str):
        padding = [[0, 0], *padding, [0, 0]]
    return tf.nn.conv_transpose(x, kernel, tf.stack(shape), strides, padding)
