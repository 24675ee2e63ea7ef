"""TensorFlow in a graph, with live kernels; its CPU has no groups but depthwise, and dilates the plain convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ...errors import UnsupportedError
from ...geometry import Problem
from ...methods.channels import Array
from ..cases import Arrays, Task
from .peer import Program
from .pytorch_last import as_image

__all__ = ["programs", "start"]

Function = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def start(threads: int) -> None:
    """Let its operations have so many threads."""
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """The pass as one operation of a graph; sound as images of one row."""
    flat = task.layer.problem.rank == 1
    task, arrays = as_image(task, arrays) if flat else (task, arrays)
    problem = task.layer.problem
    if max(problem.dilation) > 1 and task.passing != "input gradient":
        raise UnsupportedError("its CPU has no dilation here")
    depthwise = problem.groups > 1 and problem.groups == arrays.x.shape[-1] == arrays.y.shape[-1] and problem.rank == 2
    if problem.groups > 1 and not depthwise:
        raise UnsupportedError("its CPU has no groups here")
    ways = _depthwise if depthwise else {2: _plane, 3: _solid}[problem.rank]
    function, given = ways(problem, task.passing, arrays)
    tensors = [tf.constant(np.ascontiguousarray(array)) for array in given]
    graph = tf.function(function)
    axis = (0 if task.passing == "kernel gradient" else 1) if flat else ()
    return {"graph": Program(lambda: graph(*tensors), lambda out: out.numpy().squeeze(axis))}


def _said(problem: Problem) -> dict[str, Any]:
    """Stride and crop of two axes; any crop can be said."""
    ends = [0, 0, *(n for pair in zip(problem.lo, problem.hi, strict=True) for n in pair), 0, 0]
    return {"strides": [1, *problem.stride, 1], "padding": "EXPLICIT", "explicit_paddings": ends}


def _depthwise(problem: Problem, passing: str, arrays: Arrays) -> tuple[Function, tuple[Array, Array]]:
    """Each channel by itself; the kernel has its two axes of channels the other way round."""
    x, y, w = arrays
    said, raw, turned = _said(problem), tf.raw_ops, np.swapaxes(w, -1, -2)
    return {
        "forward": (lambda x, w: raw.DepthwiseConv2dNativeBackpropInput(input_sizes=y.shape, filter=w, out_backprop=x,
                                                                        **said), (x, turned)),
        "input gradient": (lambda y, w: raw.DepthwiseConv2dNative(input=y, filter=w, **said), (y, turned)),
        "kernel gradient": (lambda y, x: tf.reshape(raw.DepthwiseConv2dNativeBackpropFilter(
            input=y, filter_sizes=turned.shape, out_backprop=x, **said), w.shape), (y, x)),
    }[passing]


def _plane(problem: Problem, passing: str, arrays: Arrays) -> tuple[Function, tuple[Array, Array]]:
    """Two axes."""
    x, y, w = arrays
    said, raw = _said(problem), tf.raw_ops
    return {
        "forward": (lambda x, w: raw.Conv2DBackpropInput(input_sizes=y.shape, filter=w, out_backprop=x, **said),
                    (x, w)),
        "input gradient": (lambda y, w: raw.Conv2D(input=y, filter=w, dilations=[1, *problem.dilation, 1], **said),
                           (y, w)),
        "kernel gradient": (lambda y, x: raw.Conv2DBackpropFilter(input=y, filter_sizes=w.shape, out_backprop=x,
                                                                  **said), (y, x)),
    }[passing]


def _solid(problem: Problem, passing: str, arrays: Arrays) -> tuple[Function, tuple[Array, Array]]:
    """Three axes: 'SAME' where that is the crop; otherwise nothing is cropped, and y padded before."""
    x, y, w = arrays
    crops = list(zip(problem.lo, problem.hi, strict=True))
    same = all(c * s == f and hi - lo in (0, 1) for c, s, f, (lo, hi) in
               zip(problem.coarse, problem.stride, problem.fine, crops, strict=True))
    y = y if same else np.pad(y, [(0, 0), *crops, (0, 0)])
    window = tuple(slice(0, None) if same else slice(lo, lo + f) for lo, f in
                   zip(problem.lo, problem.fine, strict=True))
    said: dict[str, Any] = {"strides": [1, *problem.stride, 1], "padding": "SAME" if same else "VALID"}
    raw = tf.raw_ops
    return {
        "forward": (lambda x, w: raw.Conv3DBackpropInputV2(input_sizes=y.shape, filter=w, out_backprop=x,
                                                           **said)[:, *window], (x, w)),
        "input gradient": (lambda y, w: raw.Conv3D(input=y, filter=w, **said), (y, w)),
        "kernel gradient": (lambda y, x: raw.Conv3DBackpropFilterV2(input=y, filter_sizes=w.shape, out_backprop=x,
                                                                    **said), (y, x)),
    }[passing]
