"""ONNX models with If and Loop: what is inside stays as it is, and so does what it reads from outside."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'tconv[onnx]'")
import onnx
from onnx import TensorProto, helper, numpy_helper

from tconv.models import inspect
from tconv.models.exchange import Exchange
from tconv.models.mend import mendable
from tconv.models.repair import repair
from tconv.models.rewrite import PASSES, Settings, optimize
from tconv.models.smooth import Blur

from . import graphs

FLOAT, BOOL, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
RNG = np.random.default_rng(0)
UP = {"strides": [2, 2], "pads": [1, 1, 1, 1]}


def body(name, nodes, gives, given=(), inside=()):
    return helper.make_graph(nodes, name, list(given), list(gives),
                             [numpy_helper.from_array(array, key) for key, array in dict(inside).items()])


def weights():
    return [("k", RNG.normal(size=(3, 3, 4, 4)).astype(np.float32)), ("b", np.float32([1, -2, 3])),
            ("g", np.float32([1, 2, 3])), ("zero", np.float32([0, 0, 0])), ("one", np.float32([1, 1, 1])),
            ("c", RNG.normal(size=(3, 3, 3, 3)).astype(np.float32)), ("scales", np.float32([1, 1, 2, 2])),
            ("nothing", np.float32(0)), ("times", np.int64(3)), ("yes", np.array(True))]


def before():
    """A layer whose result is normalised: both values are read further in."""
    return [graphs.node("ConvTranspose", "x k b", "a", name="up", **UP),
            graphs.node("BatchNormalization", "a g b zero one", "n", name="norm"),
            graphs.node("ReduceMean", "x", "middle", keepdims=0), graphs.node("Greater", "middle nothing", "bright")]


def after(value):
    """A resize with a convolution behind, and a second layer with the first one's kernel."""
    return [helper.make_node("Resize", [value, "", "scales"], ["large"], mode="nearest", nearest_mode="floor",
                             coordinate_transformation_mode="asymmetric"),
            graphs.node("Conv", "large c", "smooth", name="smooth", pads=[1, 1, 1, 1]),
            graphs.node("ConvTranspose", "smooth k", "y", name="last", **UP)]


def with_if():
    """The branches read `a`, which would vanish in the norm, `n`, and the outer weights `k`, `g`; one upsamples too."""
    here = [helper.make_tensor_value_info("t", FLOAT, None)]
    first = body("bright", [graphs.node("Add", "a n", "s"), graphs.node("ConvTranspose", "s k", "u", **UP),
                            graphs.node("MaxPool", "u", "t", kernel_shape=[2, 2], strides=[2, 2])], here)
    there = [helper.make_tensor_value_info("e", FLOAT, None)]
    second = body("dark", [graphs.node("Transpose", "k", "turned", perm=[0, 1, 3, 2]),
                           graphs.node("ReduceSum", "turned", "sum", keepdims=0),
                           graphs.node("Mul", "a sum", "d"), graphs.node("Add", "d own", "e")], there,
                  inside={"own": np.float32([[[[7.0]]]])})
    branch = helper.make_node("If", ["bright"], ["chosen"], name="branch", then_branch=first, else_branch=second)
    return graphs.model([*before(), branch, *after("chosen")], weights(), given=("x", (2, 3, 6, 5)))


def with_loop():
    """Each turn adds `a`, and a nested If reads `n`; the carried value has the name of none outside."""
    inner = [body(name, [graphs.node(kind, "a n", name)], [helper.make_tensor_value_info(name, FLOAT, None)])
             for name, kind in (("yes_then", "Add"), ("no_then", "Sub"))]
    turn = body("turn", [
        graphs.node("Identity", "go", "go_on"),
        helper.make_node("If", ["bright"], ["part"], then_branch=inner[0], else_branch=inner[1]),
        graphs.node("Mul", "v half", "less"), graphs.node("Add", "less part", "more")],
        [helper.make_tensor_value_info("go_on", BOOL, []), helper.make_tensor_value_info("more", FLOAT, None)],
        [helper.make_tensor_value_info("i", INT64, []), helper.make_tensor_value_info("go", BOOL, []),
         helper.make_tensor_value_info("v", FLOAT, None)], {"half": np.float32(0.5)})
    loop = helper.make_node("Loop", ["times", "yes", "n"], ["carried"], name="loop", body=turn)
    return graphs.model([*before(), loop, *after("carried")], weights(), given=("x", (2, 3, 6, 5)))


MODELS = {"if": with_if, "loop": with_loop}
BRIGHT = RNG.normal(size=(2, 3, 6, 5)).astype(np.float32) + 1
INPUTS = (BRIGHT, -BRIGHT)


def far(model, other):
    """The largest difference of two models' results on inputs that take both branches, over the largest number."""
    pairs = [(graphs.run(model, x=x), graphs.run(other, x=x)) for x in INPUTS]
    return max(float(np.abs(old - new).max() / np.abs(old).max()) for old, new in pairs)


def insides(model):
    return [one.g for node in model.graph.node for one in node.attribute if one.HasField("g")]


@pytest.mark.parametrize("name", MODELS)
def test_both_branches_are_taken_and_give_other_results(name):
    first, second = (graphs.run(MODELS[name](), x=x) for x in INPUTS)
    assert first.shape == (2, 3, 48, 40)
    assert np.abs(first + second).max() > 1


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("passes", [None, tuple(PASSES)])
def test_an_optimised_model_computes_the_same_and_what_is_inside_is_untouched(name, passes):
    model = MODELS[name]()
    outcome = optimize(model, inputs={"x": BRIGHT}, settings=Settings(passes=passes, measure=False))
    made = {output for node in outcome.model.graph.node for output in node.output}
    assert "resize-conv" in [step.name for step in outcome.steps if step.kept]
    assert {"a", "n"} <= made
    assert insides(outcome.model) == insides(model)
    assert far(model, outcome.model) < 1e-5


@pytest.mark.parametrize("name", MODELS)
def test_a_mended_layer_keeps_its_kernel_for_what_is_inside(name, tmp_path):
    model = MODELS[name]()
    onnx.save(model, tmp_path / "model.onnx")
    subject = mendable(tmp_path / "model.onnx")
    changed = 2 * subject.patients()[1].kernel
    subject.put("last", changed)
    assert np.array_equal(weights_of(subject.model)["k"], weights_of(model)["k"])
    assert insides(subject.model) == insides(model)
    pairs = [(graphs.run(model, x=x), graphs.run(subject.model, x=x)) for x in INPUTS]
    assert all(np.abs(2 * old - new).max() < 1e-5 * np.abs(new).max() for old, new in pairs)


def weights_of(model):
    return {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}


def test_a_kernel_that_only_a_branch_shares_is_not_changed_under_it(tmp_path):
    model = with_if()
    del model.graph.node[-1]
    model.graph.node[-1].output[0] = "y"
    onnx.save(model, tmp_path / "model.onnx")
    subject = mendable(tmp_path / "model.onnx")
    subject.put("up", np.zeros_like(subject.patients()[0].kernel))
    assert np.array_equal(weights_of(subject.model)["k"], weights_of(model)["k"])
    assert insides(subject.model) == insides(model)


@pytest.mark.parametrize("name", MODELS)
def test_a_blur_and_a_replacement_behind_a_branch_leave_it_alone(name, tmp_path):
    model = MODELS[name]()
    onnx.save(model, tmp_path / "model.onnx")
    for instead in (Exchange("subpixel"), Blur("tent")):
        subject = mendable(tmp_path / "model.onnx")
        repair(subject, layers=["last"], inputs={"x": BRIGHT}, instead=instead)
        assert insides(subject.model) == insides(model)
        assert (far(model, subject.model) < 1e-5) == isinstance(instead, Exchange)


@pytest.mark.parametrize("name", MODELS)
def test_inspect_lists_what_is_outside_and_says_what_is_inside(name):
    found = inspect(MODELS[name]())
    assert [layer.fact.where for layer in found.layers] == ["up", "smooth", "last"]
    assert found.layers[0].fact.output == (12, 10)
    # The norm reads `a`, but so does a branch: it is no part of the layer.
    assert found.layers[0].fact.norm is None
    assert [note for note in found.notes if "not listed" in note] == (
        ["branch: 1 upsampling layer within this If are not listed."] if name == "if" else [])
    assert found.model.parameters == 1 + sum(array.size for _, array in weights() if array.dtype != np.int64)
