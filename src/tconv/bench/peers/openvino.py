"""OpenVINO with the kernel as a constant, compiled for the least time of one call."""

from __future__ import annotations

import numpy as np
import openvino
from openvino import opset13 as nodes

from ...geometry import Problem
from ..cases import Arrays, Task
from .peer import Program

__all__ = ["programs", "start"]

CORE = openvino.Core()
HINTS = {"float32": "f32", "bfloat16": "bf16"}
SETTINGS: dict[str, str] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}


def start(threads: int) -> None:
    """Let its requests have so many threads."""
    SETTINGS["INFERENCE_NUM_THREADS"] = str(threads)


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """A request of one operation, on arrays that it was given before."""
    problem, extent = task.layer.problem, task.layer.extent
    x = np.ascontiguousarray(np.moveaxis(arrays.x, -1, 1))
    y = np.empty((extent.batch, extent.fine_channels, *problem.fine), np.float32)
    settings = SETTINGS | {"INFERENCE_PRECISION_HINT": HINTS[task.dtype]}
    request = CORE.compile_model(_model(problem, x.shape, arrays.w), "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))
    held = x, y  # the request has their addresses only
    return {"request": Program(request.infer, lambda _: np.moveaxis(held[1], 1, -1))}


def _model(problem: Problem, shape: tuple[int, ...], w: np.ndarray) -> openvino.Model:
    given = nodes.parameter(shape, np.float32, name="x")
    kernel = np.moveaxis(w, (-1, -2), (0, 1))
    settings = {"strides": list(problem.stride), "pads_begin": list(problem.lo), "pads_end": list(problem.hi),
                "dilations": list(problem.dilation)}
    if problem.groups == 1:
        node = nodes.convolution_backprop_data(given, nodes.constant(np.ascontiguousarray(kernel)), **settings)
    else:
        grouped = kernel.reshape(problem.groups, -1, *kernel.shape[1:])
        node = nodes.group_convolution_backprop_data(given, nodes.constant(np.ascontiguousarray(grouped)), **settings)
    return openvino.Model([node], [given], "layer")
