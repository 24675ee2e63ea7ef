"""Other layers in a transposed convolution's place: equal where they can be, and as near as is said where not."""

import json

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'tconv[onnx]'")
import onnx
from onnx import numpy_helper
from typer.testing import CliRunner

from tconv.cli.app import app
from tconv.errors import SettingError, UnsupportedError
from tconv.models.exchange import Exchange
from tconv.models.mend import mendable
from tconv.models.repair import repair
from tconv.resize import resize_conv_as_transposed, transposed_as_resize_conv

from . import graphs
from .test_repair import onnx_model, torch_model

SETTINGS = {
    "4 by 2": ((3, 5, 4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "uneven": ((3, 5, 3, 5), {"strides": [2, 3], "pads": [0, 1, 1, 2]}),
    "larger by one": ((3, 5, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
    "groups": ((4, 3, 4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1], "group": 2}),
    "sound": ((3, 5, 16), {"strides": [8], "pads": [4, 4]}),
    "dilated": ((3, 5, 3, 3), {"strides": [2, 2], "dilations": [3, 3], "pads": [2, 2, 2, 2]}),
    "same": ((3, 5, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
}


def saved(folder, name, kernel=None):
    """A model of one layer with a bias and an activation, its path, and an input."""
    shape, words = SETTINGS[name]
    kernel = np.random.default_rng(0).normal(size=shape).astype(np.float32) if kernel is None else kernel
    outs = shape[1] * words.get("group", 1)
    sizes = (9, 8)[:len(shape) - 2]
    model = graphs.model(
        [helper("ConvTranspose", "x w b", "a", name="up", **words), helper("Relu", "a", "y")],
        [("w", kernel), ("b", np.linspace(-1, 1, outs, dtype=np.float32))], given=("x", ("n", shape[0], *sizes)))
    onnx.save(model, folder / "model.onnx")
    x = np.random.default_rng(1).normal(size=(3, shape[0], *sizes)).astype(np.float32)
    return folder / "model.onnx", model, x


helper = graphs.node


@pytest.mark.parametrize("name", SETTINGS)
def test_a_pixel_shuffle_gives_every_sample_of_the_layer(tmp_path, name):
    path, model, x = saved(tmp_path, name)
    subject = mendable(path)
    (found,) = repair(subject, layers=["up"], inputs={"x": x}, instead=Exchange("subpixel")).exchanged
    subject.save(tmp_path / "other.onnx")
    other = onnx.load(tmp_path / "other.onnx")
    kinds = [node.op_type for node in other.graph.node]
    wanted = graphs.run(model, x=x)
    assert "ConvTranspose" not in kinds
    assert "Conv" in kinds
    assert (found.where, found.rest) == ("up", 0.0)
    assert found.cost >= 1
    assert np.abs(graphs.run(other, x=x) - wanted).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("name", ["4 by 2", "uneven", "larger by one", "groups", "sound", "same"])
def test_a_resize_gives_what_the_nearest_such_kernel_gives(tmp_path, name):
    shape, words = SETTINGS[name]
    path, _, x = saved(tmp_path, name)
    subject = mendable(path)
    (patient,) = subject.patients()
    pair = transposed_as_resize_conv(patient.kernel, patient.spec)
    nearest, _ = resize_conv_as_transposed(pair.kernel, pair.factor, groups=words.get("group", 1))
    (found,) = repair(subject, layers=["up"], inputs={"x": x}, instead=Exchange("resize")).exchanged
    kernel = np.moveaxis(nearest, (-1, -2), (0, 1)).astype(np.float32)
    _, model, _ = saved(tmp_path, name, np.ascontiguousarray(kernel))
    wanted = graphs.run(model, x=x)
    assert found.rest == pytest.approx(pair.rest)
    assert 0.1 < found.rest < 1
    assert np.abs(graphs.run(subject.model, x=x) - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert kernel.shape == shape


def test_a_layer_that_was_such_a_pair_becomes_it_again(tmp_path):
    kernel, _ = resize_conv_as_transposed(np.random.default_rng(0).normal(size=(3, 3, 3, 5)), 2)
    path, model, x = saved(tmp_path, "4 by 2", np.moveaxis(kernel, (-1, -2), (0, 1)).astype(np.float32).copy())
    subject = mendable(path)
    (found,) = repair(subject, layers=["up"], inputs={"x": x}, instead=Exchange("resize")).exchanged
    wanted = graphs.run(model, x=x)
    assert found.rest < 1e-6
    assert found.cost == 36 / 16
    assert np.abs(graphs.run(subject.model, x=x) - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_the_command_line_says_what_is_left_out_and_the_rest_of_the_model_stays(tmp_path):
    path = onnx_model(tmp_path)
    before = path.read_bytes()
    words = ["repair", path, "-o", tmp_path / "other.onnx", "--layer", "2", "--samples", "16"]
    exact = CliRunner().invoke(app, [*map(str, words), "--replace", "subpixel", "--json"])
    assert exact.exit_code == 0, exact.output
    told = json.loads(exact.stdout)["exchanged"]
    assert told == [{"where": "2", "kind": "subpixel", "rest": 0.0, "cost": 1.0}]
    nearly = CliRunner().invoke(app, [*map(str, words), "--replace", "resize", "--overwrite"])
    assert "% of the kernel left out, 2.25 times its multiply-adds" in " ".join(nearly.output.split())
    other = onnx.load(tmp_path / "other.onnx")
    first = {one.name: numpy_helper.to_array(one) for one in other.graph.initializer}["first"]
    assert np.array_equal(first, {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
                          ["first"])
    assert path.read_bytes() == before


def test_what_cannot_be_replaced_is_said(tmp_path):
    path, out = onnx_model(tmp_path), tmp_path / "other.onnx"
    for words, said in ((["--replace", "resize"], "of which layer"),
                        (["--replace", "magic", "--layer", "2"], "has to be one of subpixel, resize"),
                        (["--replace", "resize", "--layer", "2", "--smooth", "box"], "leave one out"),
                        (["--replace", "resize", "--layer", "9"], "layer '9' is no transposed convolution")):
        result = CliRunner().invoke(app, ["repair", str(path), "-o", str(out), *words])
        assert said in str(result.exception)
    assert not out.exists()
    with pytest.raises(SettingError, match="replace is 'magic'"):
        Exchange("magic")
    x = np.random.default_rng(0).normal(size=(4, 3, 16, 16)).astype(np.float32)
    with pytest.raises(UnsupportedError, match="layers are replaced in ONNX models only"):
        repair(mendable(torch_model()), layers=["2"], inputs={"x": x}, instead=Exchange("resize"))
    old = onnx.load(path)
    old.opset_import[0].version = 9
    onnx.save(old, tmp_path / "old.onnx")
    with pytest.raises(UnsupportedError, match="operators are of version 9"):
        repair(mendable(tmp_path / "old.onnx"), layers=["2"], inputs={"x": x}, instead=Exchange("resize"))
    dilated, _, x = saved(tmp_path, "dilated")
    with pytest.raises(SettingError, match="needs dilation 1"):
        repair(mendable(dilated), layers=["up"], inputs={"x": x}, instead=Exchange("resize"))
