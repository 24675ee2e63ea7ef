"""`tconv optimize`: a faster model and what was done, or one sentence and no file."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("typer", reason="needs typer and rich: pip install 'tconv[cli]'")
pytest.importorskip("onnx", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install 'tconv[onnx]'")

import onnx
import onnxruntime

from tests.models.rewrite.test_optimize import decoder

QUICK = ("--threads", 1, "--seconds", 0.02)


def tconv(*arguments):
    return subprocess.run([sys.executable, "-m", "tconv", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=300)


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "decoder.onnx"
    onnx.save(decoder(), place)
    return place


def test_the_model_is_written_and_what_was_done_is_said(path, tmp_path):
    before, target = path.read_bytes(), tmp_path / "new" / "faster.onnx"
    result = tconv("optimize", path, "-o", target, "--no-measure", *QUICK)
    assert result.returncode == 0, result.stderr
    assert path.read_bytes() == before
    for words in ("crop", "the ConvTranspose", "resize-conv", "largest difference", "x 1x8x64x64; x 1x8x96x96"):
        assert words in result.stdout
    feed = {"x": np.random.default_rng(0).standard_normal((1, 8, 7, 9)).astype(np.float32)}
    (original,), (new,) = (onnxruntime.InferenceSession(str(one)).run(None, feed) for one in (path, target))
    np.testing.assert_allclose(new, original, atol=1e-5 * np.abs(original).max())


def test_json_says_every_step(path, tmp_path):
    result = tconv("optimize", path, "-o", tmp_path / "out.onnx", "--only", "crop,scale,phases", "--json", *QUICK)
    found = json.loads(result.stdout)
    assert {step["name"] for step in found["steps"]} == {"crop", "scale", "phases"}
    assert [step["kept"] for step in found["steps"] if step["name"] == "crop"] == [True]
    assert found["difference"]["largest"] <= 1e-4 * found["difference"]["scale"]


def test_passes_are_listed_and_switched(path, tmp_path):
    listed = tconv("optimize", "--passes").stdout
    assert all(name in listed for name in ("auto-pad", "resize-conv", "phases", "zero-tap", "where it is asked for"))
    said = tconv("optimize", path, "-o", tmp_path / "out.onnx", "--without", "crop,phases", "--json", "--no-measure",
                 *QUICK)
    assert {step["name"] for step in json.loads(said.stdout)["steps"]} == {"scale", "resize-conv"}


def test_where_there_is_nothing_to_do_a_copy_is_written(path, tmp_path):
    target = tmp_path / "out.onnx"
    result = tconv("optimize", path, "-o", target, "--only", "auto-pad", *QUICK)
    assert "Nothing to do" in result.stdout
    assert onnx.load(target).graph.node == onnx.load(path).graph.node


@pytest.mark.parametrize(("words", "said"), [
    ([], "--out is missing"),
    (["-o", "{path}"], "is the model itself"),
    (["-o", "{there}"], "is there already"),
    (["-o", "{out}", "--only", "speed"], "'speed' is no pass; there are auto-pad"),
    (["-o", "{out}", "--shape", "x"], "has to be the name of an input, = and a value"),
    (["-o", "{out}", "--shape", "x=8x8"], "given as 8x8, but the model takes 1x8x?x?"),
    (["-o", "{out}", "--shape", "x=1x8x0x4"], "sizes are >= 1"),
    (["-o", "{out}", "--input", "x={path}"], "cannot be read as an array"),
    (["-o", "{out}", "--input", "x=missing.npy"], "cannot be read as an array"),
])
def test_a_mistake_is_one_sentence_and_no_file(path, tmp_path, words, said):
    there, out = tmp_path / "there.onnx", tmp_path / "out.onnx"
    there.write_bytes(b"precious")
    result = tconv("optimize", path, *(word.format(path=path, there=there, out=out) for word in words))
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert there.read_bytes() == b"precious"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["decoder.onnx", "there.onnx"]


def test_a_file_that_is_no_model_is_one_sentence_and_no_file(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x80\x04\x95 a pickle, say")
    result = tconv("optimize", path, "-o", tmp_path / "out.onnx")
    assert (result.returncode, result.stdout) == (2, "")
    assert "no ONNX" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]
