"""A blur in place of mending: the same on every framework, stated with its cost, and told where it is worse."""

import json

import numpy as np
import pytest

pytest.importorskip("typer")
from typer.testing import CliRunner

from tconv.cli.app import app
from tconv.errors import UnsupportedError
from tconv.models.mend import mendable
from tconv.models.repair import repair
from tconv.models.smooth import Blur

from .test_repair import codes, keras_model, onnx_model, torch_model  # noqa: F401


@pytest.fixture(scope="module")
def few(codes):  # noqa: F811
    return codes[:24]


def box(results):
    """The mean of each sample and its neighbour, later or earlier, on both axes, ends left out."""
    rows = (results[:, 1:] + results[:, :-1]) / 2
    return (rows[:, :, 1:] + rows[:, :, :-1]) / 2


def test_a_box_leaves_the_mean_of_neighbours_before_the_activation(few):
    subject = mendable(torch_model())
    before = subject.run({"x": few}).result
    found = repair(subject, inputs={"x": few}, instead=Blur())
    after = subject.run({"x": few}).result
    assert np.abs(np.arctanh(after[:, 1:, 1:]) - box(np.arctanh(before))).max() < 1e-4 or np.abs(
        np.arctanh(after[:, :-1, :-1]) - box(np.arctanh(before))).max() < 1e-4
    (row,) = found.smoothed
    assert (row.where, row.periods, row.taps, row.cost, row.shift) == ("2", (2, 2), (16, 25), 25 / 16, 0.5)
    assert found.before.period(2).found
    assert found.after.period(2).excess < found.before.period(2).excess / 100
    assert 0 < found.sharpness < 1


def test_onnx_and_keras_models_become_the_same_as_pytorchs(few, tmp_path):
    found = repair(mendable(torch_model()), inputs={"x": few}, instead=Blur("tent"))
    path, saved = onnx_model(tmp_path), tmp_path / "decoder.keras"
    before = path.read_bytes()
    keras_model().save(saved)
    other = mendable(path)
    theirs = repair(other, inputs={"x": few}, instead=Blur("tent"))
    other.save(tmp_path / "soft.onnx")
    again = mendable(tmp_path / "soft.onnx").run({"x": few}).result
    third = mendable(saved)
    ours = repair(third, inputs={"x": few.transpose(0, 2, 3, 1)}, instead=Blur("tent"))
    third.save(tmp_path / "soft.keras")
    kept = mendable(tmp_path / "soft.keras").run({"x": few.transpose(0, 2, 3, 1)}).result
    assert path.read_bytes() == before
    assert again[-8:] == pytest.approx(theirs.results[1], abs=1e-6)
    assert kept[-8:] == pytest.approx(ours.results[1], abs=1e-5)
    assert np.abs(found.results[1] - theirs.results[1]).max() < 1e-4
    assert np.abs(found.results[1] - ours.results[1]).max() < 1e-4


def test_a_longer_period_and_a_layer_can_be_named(few, tmp_path):
    path = onnx_model(tmp_path)
    np.save(tmp_path / "codes.npy", few)
    words = ["repair", path, "-o", tmp_path / "soft.onnx", "--smooth", "box", "--period", "4", "--layer", "2",
             "--inputs", tmp_path / "codes.npy"]
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["smoothed"][0]["taps"] == [16, 49]
    assert abs(told["after"]["periods"][0]["excess"]) < told["before"]["periods"][0]["excess"] / 100
    shown = CliRunner().invoke(app, [*map(str, words), "--overwrite"])
    assert "16 taps became 49, 3.06 times the layer's multiply-adds, its result half a sample elsewhere" in shown.output


def test_it_is_said_when_the_model_becomes_worse_at_what_it_should_do(few, tmp_path):
    path = onnx_model(tmp_path)
    wanted = mendable(path).run({"x": few}).result
    np.save(tmp_path / "codes.npy", few)
    np.save(tmp_path / "wanted.npy", wanted)
    words = ["repair", path, "-o", tmp_path / "soft.onnx", "--smooth", "tent", "--inputs", tmp_path / "codes.npy",
             "--targets", tmp_path / "wanted.npy"]
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output
    assert "0 before" in result.output
    assert "WORSE" in result.output


def test_what_does_not_go_together_is_refused_before_any_work(tmp_path):
    path, out = onnx_model(tmp_path), tmp_path / "soft.onnx"
    for words, said in ((["--smooth", "gauss"], "--smooth: is 'gauss', but has to be one of box, tent"),
                        (["--period", "4"], "give --smooth box too"),
                        (["--smooth", "box", "--how", "gains"], "leave one out")):
        result = CliRunner().invoke(app, ["repair", str(path), "-o", str(out), *words])
        assert said in str(result.exception)
    assert not out.exists()


def test_layers_that_cannot_grow_say_what_to_give(few, tmp_path):
    keras, onnx = pytest.importorskip("keras"), pytest.importorskip("onnx")
    bare = keras.Sequential([keras.layers.Input((16, 16, 3)), keras.layers.Conv2DTranspose(3, 4, strides=2)])
    with pytest.raises(UnsupportedError, match="export the model to ONNX and repair that"):
        repair(mendable(bare), inputs={"x": few.transpose(0, 2, 3, 1)}, instead=Blur())
    model = onnx.load(onnx_model(tmp_path))
    model.graph.node[2].attribute.append(onnx.helper.make_attribute("output_shape", [64, 64]))
    onnx.save(model, tmp_path / "sized.onnx")
    with pytest.raises(UnsupportedError, match="tconv optimize --only output-shape"):
        repair(mendable(tmp_path / "sized.onnx"), inputs={"x": few}, instead=Blur())
