"""The ONNX package's own cases of ConvTranspose, and the results of PyTorch that it stores."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from tconv.conventions import CONVENTIONS
from tconv.geometry import problem_from_coarse
from tconv.methods import METHODS

onnx = pytest.importorskip("onnx")

STORED = Path(onnx.__file__).parent / "backend" / "test" / "data"
CONVERTED = ("pytorch-converted/test_ConvTranspose2d", "pytorch-converted/test_ConvTranspose2d_no_bias",
             "pytorch-operator/test_operator_convtranspose")


def node_cases():
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case.name: case for case in collect_testcases("ConvTranspose")}


CASES = node_cases()


def ours(node, x, kernel, bias=0):
    """The node's result by our relation."""
    found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    words = {"kernel_shape": kernel.shape[2:]} | {
        name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}
    row = CONVENTIONS["onnx"]
    problem = problem_from_coarse(row.read(words, x.shape[2:]), x.shape[2:])
    y = METHODS["phases"](np.moveaxis(x, 1, -1), row.kernel_from(kernel, words), problem) + bias
    return np.moveaxis(y, -1, 1)


def test_there_are_eleven_node_cases():
    assert len(CASES) == 11


@pytest.mark.parametrize("name", CASES)
def test_a_node_case_has_our_values(name):
    case = CASES[name]
    for inputs, outputs in case.data_sets:
        np.testing.assert_array_equal(ours(case.model.graph.node[0], *inputs), outputs[0])


def tensor(path):
    return onnx.numpy_helper.to_array(onnx.load_tensor(path))


@pytest.mark.parametrize("name", CONVERTED)
def test_what_pytorch_computed_has_our_values(name):
    folder = STORED / name
    graph = onnx.load(folder / "model.onnx").graph
    known = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    given = folder / "test_data_set_0"
    known |= {entry.name: tensor(given / f"input_{number}.pb") for number, entry in
              enumerate(entry for entry in graph.input if entry.name not in known)}
    result = ours(graph.node[0], *(known[name].astype(np.float64) for name in graph.node[0].input))
    np.testing.assert_allclose(result, tensor(given / "output_0.pb"), rtol=1e-5, atol=1e-5)
