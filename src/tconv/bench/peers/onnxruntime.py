"""ONNX Runtime with the kernel as a constant, and with input and output where it wants them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ...geometry import Problem
from ..cases import Arrays, Task
from .peer import Program

__all__ = ["model", "programs", "start"]

OPSET, IR = 17, 9
OPTIONS = onnxruntime.SessionOptions()


def start(threads: int) -> None:
    """Let its sessions have so many threads."""
    OPTIONS.intra_op_num_threads, OPTIONS.inter_op_num_threads = threads, 1
    OPTIONS.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    OPTIONS.log_severity_level = 3


def programs(task: Task, arrays: Arrays) -> dict[str, Program]:
    """A session of one node, run on arrays that it was given before."""
    problem, extent = task.layer.problem, task.layer.extent
    session = onnxruntime.InferenceSession(model(problem, arrays.w), OPTIONS, providers=["CPUExecutionProvider"])
    bound = session.io_binding()
    x = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(np.moveaxis(arrays.x, -1, 1)))
    shape = (extent.batch, extent.fine_channels, *problem.fine)
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, np.float32)
    bound.bind_ortvalue_input("x", x)
    bound.bind_ortvalue_output("y", y)
    return {"session": Program(lambda: session.run_with_iobinding(bound), lambda _: np.moveaxis(y.numpy(), 1, -1))}


def model(problem: Problem, w: np.ndarray) -> bytes:
    """`ConvTranspose` as a file."""
    kernel = np.ascontiguousarray(np.moveaxis(w, (-1, -2), (0, 1)))
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], kernel_shape=problem.kernel, strides=problem.stride,
                            dilations=problem.dilation, group=problem.groups, pads=[*problem.lo, *problem.hi])
    axes = [None] * (problem.rank + 2)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name in ("x", "y")]
    graph = helper.make_graph([node], "layer", ends[:1], ends[1:], [numpy_helper.from_array(kernel, "w")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(made)
    return made.SerializeToString()
