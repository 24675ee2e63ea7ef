"""The whole: equal or refused, never slower, sizes still open, and a sentence for every file that is no model."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")

import onnx
from onnx import helper, numpy_helper

from tconv.errors import DataError, SettingError, ShapeError, SizeError
from tconv.models.rewrite import PASSES, Settings, load, optimize, optimize_apart
from tconv.models.rewrite.session import Runner
from tconv.models.rewrite.site import ALWAYS, FASTER, Pass, Site
from tests.models.rewrite.graphs import model

RNG = np.random.default_rng(0)
QUICK = Settings(threads=1, seconds=0.05)
ALL = replace(QUICK, measure=False)


def numbers(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def node(op, *inputs, to="y", **said):
    return helper.make_node(op, inputs, [to], f"the {op}", **said)


def decoder(shape=(1, 8, "h", "w"), channels=8):
    """Repeat, convolve, normalise, activate; then a transposed convolution and a slice."""
    return model(
        [node("Resize", "x", "", "scales", to="a", mode="nearest", nearest_mode="floor",
              coordinate_transformation_mode="asymmetric"),
         node("Conv", "a", "k", to="b", pads=[1, 1, 1, 1]), node("Mul", "b", "n", to="c"), node("Relu", "c", to="d"),
         node("ConvTranspose", "d", "l", to="e", strides=[2, 2]), node("Slice", "e", "one", "far", "axis")],
        {"scales": np.array([1, 1, 2, 2], np.float32), "k": numbers(channels, channels, 3, 3),
         "n": numbers(1, channels, 1, 1), "l": numbers(channels, 3, 4, 4), "one": np.array([1]), "far": np.array([-1]),
         "axis": np.array([2])}, list(shape))


def test_everything_is_tried_and_what_comes_out_is_the_same_at_every_size():
    before = decoder()
    outcome = optimize(before, settings=ALL)
    assert [(step.name, step.where, step.kept) for step in outcome.steps] == [
        ("crop", "the ConvTranspose", True), ("scale", "the Conv", True), ("resize-conv", "the Conv", True),
        ("phases", "the Conv", True), ("phases", "the ConvTranspose", True)]
    assert outcome.difference.relative < 1e-5
    for height, width in ((1, 1), (7, 5), (32, 3)):
        feed = {"x": numbers(1, 8, height, width)}
        (original,), (new,) = Runner(before)(feed), Runner(outcome.model)(feed)
        np.testing.assert_allclose(new, original, atol=1e-5 * np.abs(original).max())


def test_sizes_and_names_of_inputs_and_outputs_stay():
    before = decoder()
    after = optimize(before, settings=ALL).model
    assert after.graph.input == before.graph.input
    assert after.graph.output == before.graph.output

def test_what_is_measured_is_kept_only_where_it_is_faster():
    outcome = optimize(decoder((1, 64, 24, 24), 64), settings=replace(QUICK, seconds=0.3))
    timed = [step for step in outcome.steps if step.gain is not None]
    assert timed
    assert all(step.gain > 1 for step in timed if step.kept)
    assert all(step.why for step in timed if not step.kept)
    assert outcome.after is None or outcome.after <= outcome.before


def test_only_the_passes_that_are_asked_for_do_something():
    outcome = optimize(decoder(), settings=replace(ALL, passes=["crop"]))
    assert {step.name for step in outcome.steps} == {"crop"}
    with pytest.raises(SettingError, match=r"'faster' is no pass; there are auto-pad"):
        optimize(decoder(), settings=replace(ALL, passes=["faster"]))


def test_rewriting_twice_changes_nothing_more():
    once = optimize(decoder(), settings=ALL).model
    again = optimize(once, settings=ALL)
    assert not again.changed
    assert [one.op_type for one in again.model.graph.node] == [one.op_type for one in once.graph.node]


def wrong(graph):
    for each in graph.nodes:
        if each.op_type == "Relu":
            yield Site((each,), (each.input[0],), each.output[0],
                       {"wrong": lambda part: part.node("Abs", [each.input[0]], each.output[0])},  # noqa: B023
                       each.name, 8, 2, "float32")


def test_a_pass_that_makes_a_difference_is_taken_back(monkeypatch):
    monkeypatch.setitem(PASSES, "wrong", Pass("wrong", "computes something else", ALWAYS, wrong))
    outcome = optimize(decoder(), settings=replace(ALL, passes=["wrong", "crop"]))
    assert [(step.name, step.kept, step.why) for step in outcome.steps] == [
        ("crop", True, ""), ("wrong", False, "the model would differ")]
    assert "Relu" in [one.op_type for one in outcome.model.graph.node]


def right_at_one_size(graph):
    for each in graph.nodes:
        if each.name == "the Relu":
            def way(part, each=each):
                rows = part.node("Slice", [each.input[0], *(part.number(np.array([n]), "n") for n in (0, 128, 2))])
                part.node("Relu", [rows], each.output[0])

            yield Site((each,), (each.input[0],), each.output[0], {"128 rows": way}, each.name, 8, 2, "float32")


def test_a_model_that_differs_at_another_size_is_refused(monkeypatch):
    monkeypatch.setitem(PASSES, "wrong", Pass("wrong", "keeps 128 rows", FASTER, right_at_one_size))
    with pytest.raises(DataError, match=r"differs from the original by inf in 'y'.* nothing is written"):
        optimize(decoder(), settings=replace(ALL, passes=["wrong"]))


def test_operators_that_nobody_knows_pass_through_and_each_change_is_compared_by_itself():
    before = decoder()
    before.graph.node.insert(4, helper.make_node("Secret", ["d"], ["d2"], domain="their.own", key=3))
    before.graph.node[5].input[0] = "d2"
    before.opset_import.append(helper.make_opsetid("their.own", 1))
    outcome = optimize(before, settings=ALL)
    (secret,) = [one for one in outcome.model.graph.node if one.op_type == "Secret"]
    assert secret == before.graph.node[4]
    assert {step.name for step in outcome.steps if step.kept} == {"crop", "scale", "resize-conv", "phases"}
    assert outcome.sizes == ()
    assert "their.own" in outcome.notes[0]
    assert "by itself" in outcome.notes[0]


def test_what_rounding_does_to_the_original_itself_is_known():
    """The sigmoid of about -10: its numbers are small, and what is before it is large and rounded."""
    arrays = {"k": numbers(4, 64, 3, 3), "b": np.full(4, -1000, np.float32), "n": np.full((1, 4, 1, 1), 0.0123, "f")}
    nodes = [node("Conv", "x", "k", "b", to="a"), node("Mul", "a", "n", to="c"), node("Sigmoid", "c")]
    outcome = optimize(model(nodes, arrays, [1, 64, 9, 9]), settings=replace(ALL, tolerance=0))
    assert 0.01 < outcome.difference.noise / outcome.difference.scale < 0.1
    assert outcome.difference.within(0)
    assert [one.op_type for one in outcome.model.graph.node] == ["Conv", "Sigmoid"]


def test_random_numbers_inside_are_the_same_on_both_sides():
    before = model([node("RandomNormalLike", "x", to="r"), node("ConvTranspose", "r", "k", strides=[2, 2])],
                   {"k": numbers(4, 2, 2, 2)}, [1, 4, 6, 6])
    outcome = optimize(before, settings=ALL)
    assert outcome.changed
    assert not any(one.name == "seed" for each in outcome.model.graph.node for one in each.attribute)


def test_inputs_and_shapes_are_looked_at():
    with pytest.raises(ShapeError, match=r"input 'x' is given as 1x4x8x8, but the model takes 1x8x\?x\?"):
        optimize(decoder(), shapes={"x": (1, 4, 8, 8)})
    with pytest.raises(ShapeError, match=r"input 'x' holds float64, but the model takes float32"):
        optimize(decoder(), inputs={"x": np.zeros((1, 8, 4, 4))})
    with pytest.raises(SettingError, match=r"'image' is no input of the model; it has 'x'"):
        optimize(decoder(), shapes={"image": (1, 8, 4, 4)})
    with pytest.raises(SizeError, match="too large to run on"):
        optimize(decoder(), shapes={"x": (1, 8, 100000, 100000)})
    outcome = optimize(decoder(), shapes={"x": (1, 8, 5, 6)}, settings=ALL)
    assert outcome.sizes == ("x 1x8x5x6",)


def test_a_model_that_runs_on_no_random_numbers_asks_for_real_ones():
    before = model([node("Reshape", "x", "shape")], {"shape": np.array([1, 7, 11])}, ["n", "m"])
    with pytest.raises(DataError, match=r"Give sizes with --shape .* or real inputs with --input"):
        optimize(before)
    assert not optimize(before, shapes={"x": (7, 11)}, settings=ALL).changed


def test_models_from_before_initializers_stood_alone_are_rewritten_too():
    before = decoder()
    before.ir_version = 3
    for one in before.graph.initializer:
        before.graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, one.dims))
    after = optimize(before, settings=ALL).model
    assert [one.name for one in after.graph.input] == ["x"]
    assert after.ir_version == 4


# Files.


def stored(folder, before, **external):
    path = folder / "model.onnx"
    onnx.save(before, path, **external)
    return path


def outside(folder, **said):
    """A model whose kernel is said to be in another file."""
    before = decoder()
    tensor = next(one for one in before.graph.initializer if one.name == "k")
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    said = {"location": "weights.bin"} | said
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in said.items():
        tensor.external_data.add(key=key, value=value)
    path = folder / "model.onnx"
    path.write_bytes(before.SerializeToString())
    return path


def test_numbers_beside_the_model_are_read(tmp_path):
    assert numpy_helper.to_array(load(outside(tmp_path)).graph.initializer[1]).shape == (8, 8, 3, 3)


@pytest.mark.parametrize(("said", "match"), [
    ({"location": "../weights.bin"}, "outside the model's folder"),
    ({"location": "/etc/passwd"}, "outside the model's folder"),
    ({"location": "missing.bin"}, "which is not beside the model"),
    ({"offset": "100"}, "does not|truncated|takes 2,304 bytes"),
    ({"offset": "99999"}, "truncated, or belongs to another model"),
    ({"offset": "-5"}, "truncated, or belongs to another model"),
    ({"offset": "much"}, "is no number"),
    ({"length": "99999999999999"}, "truncated, or belongs to another model"),
])
def test_numbers_that_are_not_beside_the_model_are_refused(tmp_path, said, match):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(10000))
    with pytest.raises(DataError, match=match):
        load(outside(inner, **said))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(10000))
    (inner / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(DataError, match="outside the model's folder"):
        load(outside(inner, location="link.bin"))


@pytest.mark.parametrize(("content", "match"), [
    (b"", "holds no ONNX graph"),
    (b"\x89PNG\r\n\x1a\n" + bytes(100), "no ONNX model"),
    (b"\x80\x04\x95pickle", "no ONNX"),
])
def test_a_file_that_is_no_model_is_refused(tmp_path, content, match):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=match):
        load(path)


def test_every_cut_of_a_file_is_refused(tmp_path):
    whole, path = decoder().SerializeToString(), tmp_path / "model.onnx"
    for length in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="model"):
            optimize(load(path), settings=replace(ALL, passes=[]))


def test_shapes_that_do_not_fit_their_numbers_are_refused_before_memory_is_taken(tmp_path):
    before = decoder()
    before.graph.initializer[1].dims[:] = [2**20, 2**20, 3, 3]
    with pytest.raises(DataError, match=r"takes 39,582,418,599,936 bytes, but there are 2,304"):
        load(stored(tmp_path, before))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not there; give an ONNX file"):
        load(tmp_path / "missing.onnx")
    with pytest.raises(DataError, match="is no file; give an ONNX file"):
        load(tmp_path)


def test_an_enormous_file_is_refused_unread(tmp_path):
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 2**31 + 1)
    with pytest.raises(SizeError, match="one ONNX file holds at most"):
        load(path)


def test_a_model_that_ends_the_process_ends_another_one(tmp_path):
    """ONNX's shape inference aborts on a slice of an axis of negative length."""
    before = model([node("Conv", "x", "k", to="a"), node("Slice", "a", "two", "far", "axis")],
                   {"k": numbers(2, 2, 4, 4), "two": np.array([2]), "far": np.array([-2]), "axis": np.array([3])},
                   [1, 2, 2, 2])
    with pytest.raises(DataError, match=r"came to an end|is no valid|cannot run|does not take"):
        optimize_apart(stored(tmp_path, before), settings=QUICK)


def test_the_file_is_as_it_was(tmp_path):
    path = stored(tmp_path, decoder())
    before = path.read_bytes()
    steps = []
    outcome = optimize_apart(path, settings=replace(ALL, told=steps.append))
    assert path.read_bytes() == before
    assert tuple(steps) == outcome.steps
    assert Path(path).stat().st_size == len(before)
