"""Small ONNX models for tests."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx: pip install 'tconv[onnx]'")
from onnx import TensorProto, helper, numpy_helper


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, weights=(), *, given=("x", (1, 4, 5, 5)), gives="y", opset=17):
    """A model of these nodes; weights are pairs (name, array)."""
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in weights]
    inputs = [given] if isinstance(given[0], str) else list(given)
    graph = helper.make_graph(list(nodes), "g", [value(*one) for one in inputs], [value(gives, None)], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def integers(shape, seed=0, low=-4, high=5):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float32)


def run(proto, **given):
    """What ONNX Runtime makes of it."""
    runtime = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'tconv[onnx]'")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = runtime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, given)[0]
