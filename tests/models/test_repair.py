"""Models of three frameworks are mended alike, in memory and in files, and what cannot be is said."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tconv.cli.app import app
from tconv.errors import DataError, MissingExtra, SettingError, ShapeError, UnsupportedError
from tconv.initialize import bilinear
from tconv.models.mend import mendable
from tconv.models.repair import repair

from ..diagnose.test_diagnosis import coloured
from . import data

WIDE = 6


def kernels():
    """Two layers, `(*K, D, C)`; the second prints a checkerboard."""
    numbers = np.random.default_rng(0)
    first = numbers.normal(size=(4, 4, WIDE, 3)) / 7
    second = numbers.normal(size=(4, 4, 3, WIDE)) / 40
    second[::2, ::2] += 0.01 * numbers.uniform(0.5, 1, (3, WIDE))
    return first.astype(np.float32), second.astype(np.float32)


@pytest.fixture(scope="module")
def codes():
    """Natural inputs, channels first."""
    maps = [[coloured((16, 16), 10 * n + c)[..., 0] for c in range(3)] for n in range(96)]
    return np.array(maps, np.float32) / 4 + 0.5


def torch_model():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'tconv[torch]'")
    layers = [torch.nn.ConvTranspose2d(3, WIDE, 4, 2, 1, bias=False), torch.nn.ReLU(),
              torch.nn.ConvTranspose2d(WIDE, 3, 4, 2, 1, bias=False), torch.nn.Tanh()]
    for place, kernel in zip((0, 2), kernels(), strict=True):
        layers[place].weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
    return torch.nn.Sequential(*layers)


def onnx_model(folder):
    onnx = pytest.importorskip("onnx", reason="needs ONNX: pip install 'tconv[onnx]'")
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'tconv[onnx]'")
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    said = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes = [make.make_node("ConvTranspose", ["x", "first"], ["a"], name="0", **said),
             make.make_node("Relu", ["a"], ["b"]),
             make.make_node("ConvTranspose", ["b", "second"], ["c"], name="2", **said),
             make.make_node("Tanh", ["c"], ["y"])]
    weights = [onnx.numpy_helper.from_array(kernel.transpose(3, 2, 0, 1).copy(), name)
               for name, kernel in zip(("first", "second"), kernels(), strict=True)]
    graph = make.make_graph(nodes, "decoder", [make.make_tensor_value_info("x", kind, ["N", 3, 16, 16])],
                            [make.make_tensor_value_info("y", kind, None)], weights)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9)
    path = folder / "decoder.onnx"
    onnx.save(model, path)
    return path


def keras_model():
    keras = pytest.importorskip("keras", reason="needs Keras: pip install 'tconv[keras]'")
    first, second = kernels()
    model = keras.Sequential([
        keras.layers.Input((16, 16, 3)),
        keras.layers.Conv2DTranspose(WIDE, 4, strides=2, padding="same", use_bias=False, activation="relu", name="0"),
        keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same", use_bias=False, activation="tanh", name="2")])
    model.set_weights([first, second])
    return model


@pytest.fixture(scope="module")
def mended(codes):
    """The PyTorch model's repair, which the others are compared with."""
    subject = mendable(torch_model())
    return repair(subject, inputs={"x": codes}), subject


def test_the_pattern_goes_and_the_results_stay(mended):
    found, _ = mended
    assert [one.where for one in found.mended] == ["2"]
    assert found.before.period(2).found
    assert not found.after.period(2).found
    assert found.after.period(2).excess < found.before.period(2).excess / 10
    assert found.likeness > 25
    assert found.fresh


def test_the_original_is_not_touched_and_the_file_holds_the_new_kernel(codes, mended, tmp_path):
    torch = pytest.importorskip("torch")
    module, (found, subject) = torch_model(), mended
    subject.save(tmp_path / "even.pt")
    held = torch.load(tmp_path / "even.pt", weights_only=True)
    assert np.array_equal(module[2].weight.detach().numpy(), kernels()[1].transpose(3, 2, 0, 1))
    assert torch.equal(held["0.weight"], module[0].weight)
    module.load_state_dict(held)
    with torch.no_grad():
        made = module(torch.from_numpy(codes[-32:])).numpy().transpose(0, 2, 3, 1)
    assert np.abs(made - found.results[1]).max() < 1e-6


def test_an_onnx_model_is_mended_to_the_same_kernel(codes, mended, tmp_path):
    onnx = pytest.importorskip("onnx")
    path = onnx_model(tmp_path)
    before = path.read_bytes()
    subject = mendable(path)
    found = repair(subject, inputs={"x": codes})
    subject.save(tmp_path / "even.onnx")
    held = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(tmp_path / "even.onnx").graph.initializer}
    assert path.read_bytes() == before
    assert np.abs(held["second"] - mended[1].patients()[1].kernel.transpose(3, 2, 0, 1)).max() < 1e-4
    assert np.array_equal(held["first"], kernels()[0].transpose(3, 2, 0, 1))
    assert found.likeness == pytest.approx(mended[0].likeness, abs=0.1)


def test_a_keras_model_is_mended_to_the_same_kernel(codes, mended, tmp_path):
    keras = pytest.importorskip("keras")
    model = keras_model()
    model.save(tmp_path / "decoder.keras")
    subject = mendable(tmp_path / "decoder.keras")
    found = repair(subject, inputs={"x": codes.transpose(0, 2, 3, 1)})
    subject.save(tmp_path / "even.keras")
    first, second = keras.models.load_model(tmp_path / "even.keras").get_weights()
    assert [one.where for one in found.mended] == ["2"]
    assert np.array_equal(first, kernels()[0])
    assert np.abs(second - mended[1].patients()[1].kernel).max() < 1e-3


def test_a_keras_model_in_memory_is_copied():
    model = keras_model()
    subject = mendable(model)
    subject.put("2", 2 * kernels()[1])
    assert np.array_equal(subject.patients()[1].kernel, 2 * kernels()[1])
    assert np.array_equal(model.get_weights()[1], kernels()[1])


def test_gains_alone_are_evened_in_the_layers_that_are_named(codes):
    subject = mendable(torch_model())
    found = repair(subject, way="gains", layers=["0", "2"], inputs={"x": codes[:12]})
    assert [one.where for one in found.mended] == ["2", "0"]
    for one in found.mended:
        assert one.unevenness[1] < 1e-12 < one.unevenness[0]


def test_the_error_against_what_should_come_out_is_measured(codes):
    subject = mendable(torch_model())
    wanted = subject.run({"x": codes}).result
    found = repair(subject, inputs={"x": codes}, targets=wanted)
    assert found.errors[0] == 0 < found.errors[1]
    with pytest.raises(ShapeError, match="the targets have shape"):
        repair(subject, inputs={"x": codes}, targets=wanted[:, :5])


def test_a_model_without_a_pattern_is_left_alone(codes):
    torch, module = pytest.importorskip("torch"), torch_model()
    tent = bilinear((4, 4), WIDE)
    for place, kernel in ((0, tent[..., :3]), (2, tent[..., :3, :])):
        module[place].weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
    found = repair(mendable(module), inputs={"x": codes})
    assert found.mended == ()


def test_weights_in_a_checkpoint_are_mended_in_their_place(codes, tmp_path):
    torch = pytest.importorskip("torch")
    (tmp_path / "net.py").write_text("from torch import nn\ndef make(wide):\n    return nn.Sequential(\n"
                                     "        nn.ConvTranspose2d(3, wide, 4, 2, 1, bias=False), nn.ReLU(),\n"
                                     "        nn.ConvTranspose2d(wide, 3, 4, 2, 1, bias=False), nn.Tanh())\n")
    torch.save({"epoch": 7, "generator": torch_model().state_dict()}, tmp_path / "run.pth")
    np.save(tmp_path / "codes.npy", codes)
    said = {"-o": tmp_path / "even.pth", "--module": f"{tmp_path / 'net.py'}:make", "--arguments": WIDE,
            "--inputs": tmp_path / "codes.npy", "--report": tmp_path / "report"}
    words = [str(word) for pair in said.items() for word in pair]
    result = CliRunner().invoke(app, ["repair", str(tmp_path / "run.pth"), *words, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    held = torch.load(tmp_path / "even.pth", weights_only=True)
    assert held["epoch"] == 7
    assert told["layers"][0]["layer"] == "2"
    assert not torch.equal(held["generator"]["2.weight"], torch_model()[2].weight)
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "before-and-after.png", "spectrum-before.svg", "spectrum-after.svg", "repair.json"}


def test_what_cannot_be_mended_is_said(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch_model(), tmp_path / "whole.pt")
    torch.save(torch_model().state_dict(), tmp_path / "weights.pt")
    (tmp_path / "net.py").write_text("from torch import nn\nmake = lambda: nn.Conv2d(1, 1, 1)\nnone = list\n")
    net = tmp_path / "net.py"
    with pytest.raises(DataError, match="loading it could run any code"):
        mendable(tmp_path / "whole.pt", module=f"{net}:make")
    with pytest.raises(SettingError, match=r"give --module FILE\.py:NAME"):
        mendable(tmp_path / "weights.pt")
    with pytest.raises(SettingError, match="holds no weights for every part of Conv2d"):
        mendable(tmp_path / "weights.pt", module=f"{net}:make")
    with pytest.raises(SettingError, match="makes a list"):
        mendable(tmp_path / "weights.pt", module=f"{net}:none")
    with pytest.raises(SettingError, match="cannot be imported"):
        mendable(tmp_path / "weights.pt", module=f"{net}:other")
    with pytest.raises(SettingError, match="has to be numbers and texts"):
        mendable(tmp_path / "weights.pt", module=f"{net}:make", arguments="open('x')")
    (tmp_path / "broken.pt").write_bytes((tmp_path / "weights.pt").read_bytes()[:300])
    with pytest.raises(DataError, match=r"broken\.pt: "):
        mendable(tmp_path / "broken.pt", module=f"{net}:make")
    with pytest.raises(DataError, match="there is no such file"):
        mendable(tmp_path / "gone.onnx")
    (tmp_path / "a.txt").touch()
    with pytest.raises(UnsupportedError, match=r"files ending in \.txt are not mended"):
        mendable(tmp_path / "a.txt")
    (tmp_path / "a.pt2").touch()
    with pytest.raises(UnsupportedError, match=r"an exported program.* or export that to ONNX"):
        mendable(tmp_path / "a.pt2")
    with pytest.raises(UnsupportedError, match="a dict is no model"):
        mendable({})
    subject = mendable(torch_model())
    with pytest.raises(SettingError, match="layer '1' is no transposed convolution"):
        repair(subject, layers=["1"])
    with pytest.raises(SettingError, match="how is 'magic', but has to be one of least, mean, gains"):
        repair(subject, way="magic")
    with pytest.raises(ShapeError, match="the shape of the module's input is not known"):
        repair(subject)
    with pytest.raises(ShapeError, match="does not run on inputs of shape"):
        repair(subject, inputs={"x": np.zeros((9, 5, 4, 4), np.float32)})
    with pytest.raises(SettingError, match="nothing to mend"):
        repair(mendable(torch.nn.Conv2d(1, 1, 1)))


def test_files_are_never_overwritten_unasked(tmp_path):
    path = onnx_model(tmp_path)
    before = path.read_bytes()
    for words, said in ((["-o", str(path)], "is the model itself"), (["-o", str(tmp_path / "a.keras")], "--out")):
        result = CliRunner().invoke(app, ["repair", str(path), *words])
        assert result.exit_code != 0
        assert said in str(result.exception)
    assert path.read_bytes() == before


@pytest.mark.verify
def test_the_checkerboard_of_a_real_face_generator_goes_down_tenfold():
    module = data.face_generator()
    found = repair(mendable(module, shape=(100, 1, 1)), samples=256, seed=0)
    for period in (2, 4):
        assert found.before.period(period).deviations > 10
        assert not found.after.period(period).found
        assert found.after.period(period).excess < found.before.period(period).excess / 10
    assert [one.where for one in found.mended] == ["main.12"]
    assert found.likeness > 48


def test_without_its_framework_the_pip_line_is_given(monkeypatch, tmp_path):
    import sys

    path = onnx_model(tmp_path)
    for name in [name for name in sys.modules if name.startswith("tconv.models.re")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match="pip install 'tconv\\[onnx\\]'"):
        mendable(path)
