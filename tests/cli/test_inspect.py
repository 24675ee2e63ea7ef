"""`tconv inspect`: for readers (golden text), for programs (JSON), as a page; mistakes are one line and exit code 2."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="needs typer and rich: pip install 'tconv[cli]'")
pytest.importorskip("onnx", reason="needs onnx: pip install 'tconv[onnx]'")

import onnx

from tests.models.graphs import integers, model, node
from tests.report.test_report import read as read_page

GOLDEN = Path(__file__).parent / "golden"


def tconv(*arguments):
    return subprocess.run([sys.executable, "-m", "tconv", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=300, env={**os.environ, "COLUMNS": "120"})


def network(**options):
    """One layer of each kind that there is something to say about."""
    resize = node("Resize", "b none scales", "c", mode="nearest")
    resize.input[1] = ""
    nodes = [node("ConvTranspose", "x first", "a", name="first", strides=[2, 2], auto_pad="SAME_UPPER"),
             node("Relu", "a", "b"), resize, node("Conv", "c second", "d", name="second", pads=[1, 1, 1, 1]),
             node("Mul", "d scale", "e"), node("ConvTranspose", "e third", "y", name="third", strides=[3, 3])]
    weights = [("first", integers((4, 6, 3, 3), 1)), ("scales", np.array([1, 1, 2, 2], np.float32)),
               ("second", integers((8, 6, 3, 3), 2)), ("scale", integers((8, 1, 1), 3)),
               ("third", integers((8, 2, 2, 2), 4))]
    return model(nodes, weights, **options)


@pytest.fixture
def path(tmp_path):
    onnx.save(network(), tmp_path / "network.onnx")
    return tmp_path / "network.onnx"


def test_the_text_is_the_golden_one(path):
    """`TCONV_GOLDEN=1` writes it anew."""
    result = tconv("inspect", path)
    assert (result.returncode, result.stderr) == (0, "")
    told = "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())
    golden = GOLDEN / "inspect.txt"
    if os.environ.get("TCONV_GOLDEN"):
        golden.write_text(told)
    assert told == golden.read_text()


def test_the_json_has_the_numbers(path):
    found = json.loads(tconv("inspect", path, "--json").stdout)
    first, second, third = found["layers"]
    # Along an axis: 3 taps at 5 cells lose one at the end; 3 taps at 20 cells miss one at either end; 2 taps at 20.
    assert [layer["cost"]["multiply_adds"] for layer in (first, second, third)] == [14**2 * 24, 58**2 * 48, 40**2 * 16]
    assert found["total"]["multiply_adds"] == 14**2 * 24 + 58**2 * 48 + 40**2 * 16
    assert first["setting"]["axes"][0] == {"kernel": 3, "stride": 2, "dilation": 1, "crop": [0, 1]}
    assert (second["kind"], second["resize"]["interpolation"], second["ripple"]) == ("resize_conv", "nearest", 0.0)
    assert (third["overlap"], third["output"]) == ([[1, 1, 0]] * 2, [59, 59])
    kinds = [(finding["where"], finding["kind"]) for finding in found["findings"]]
    assert kinds == [("third", "overlap"), ("first", "overlap"), ("first", "gains"), ("first", "asymmetric"),
                     ("second", "copies"), ("second", "fold")]
    merged = next(one for one in found["findings"] if one["kind"] == "copies")["cures"][0]["multiply_adds"]
    assert merged == 38**2 * 48  # 4 taps at 10 cells, less one at either end
    torch = next(port for port in first["portability"] if port["target"] == "torch")
    assert (torch["kind"], "zero taps" in torch["cure"]) == ("kernel", True)
    assert {port["target"] for port in first["portability"]} >= {"onnxruntime-cuda", "onnxruntime <= 1.12"}


def test_the_pattern_is_what_a_flat_input_comes_out_with(path):
    """The kernel's own stamps on a large flat grid, against the number."""
    found = json.loads(tconv("inspect", path, "--json").stdout)
    kernel = integers((4, 6, 3, 3), 1).astype(float)
    sums = np.array([[kernel[:, :, a::2, b::2].sum((2, 3)) for b in range(2)] for a in range(2)])
    apart = sums - sums.mean((0, 1))
    want = np.sqrt(np.square(apart).mean((0, 1)).sum() / np.square(sums.mean((0, 1))).sum())
    assert found["layers"][0]["ripple"] == pytest.approx(want)


def test_the_page_needs_nothing_but_itself_and_says_the_same(path):
    result = tconv("inspect", path, "--html", path.with_suffix(".html"))
    assert result.returncode == 0, result.stderr
    html = path.with_suffix(".html").read_text()
    page = read_page(html)
    assert page.addresses == []
    assert "<script" not in html
    text = " ".join(page.text.split())
    for said in ("4,704", "161,472", "25,600", "1:1:0", "in some phases of the stride no tap meets", "other kernel",
                 "on the CPU"):
        assert said in text, said
    assert len(re.findall("<rect", html)) == 2 * 12 * 12


def test_names_from_a_file_are_text_on_the_page(tmp_path):
    evil = "<script>alert(1)</script>[bold]"
    nodes = [node("ConvTranspose", "x w", "y", name=evil, strides=[2, 2])]
    onnx.save(model(nodes, [("w", integers((4, 6, 3, 3)))]), tmp_path / "evil.onnx")
    result = tconv("inspect", tmp_path / "evil.onnx", "--html", tmp_path / "evil.html")
    assert result.returncode == 0, result.stderr
    assert "<script" not in (tmp_path / "evil.html").read_text()
    assert "[bold]" in result.stdout


def test_open_sizes_are_named_and_can_be_given(tmp_path):
    onnx.save(network(given=("x", ("n", 4, "h", "w"))), tmp_path / "open.onnx")
    before = (tmp_path / "open.onnx").read_bytes()
    told = tconv("inspect", tmp_path / "open.onnx")
    assert "Sizes are open, so costs are not known; give them: --shape x=?x4x?x?" in told.stdout
    given = tconv("inspect", tmp_path / "open.onnx", "--shape", "1x4x5x5", "--json")
    assert json.loads(given.stdout)["layers"][2]["output"] == [59, 59]
    assert (tmp_path / "open.onnx").read_bytes() == before


def test_plain_convolutions_are_shown_on_request(path):
    convolution = model([node("Conv", "x w", "a", name="plain"), node("ConvTranspose", "a v", "y", name="up")],
                        [("w", integers((6, 4, 3, 3))), ("v", integers((6, 3, 2, 2)))])
    onnx.save(convolution, path)
    shown = [json.loads(tconv("inspect", path, *words, "--json").stdout)["layers"] for words in ((), ("--all",))]
    assert [[layer["where"] for layer in layers] for layers in shown] == [["up"], ["plain", "up"]]


BAD = {
    "missing": (["none.onnx"], "there is no such file"),
    "truncated": (["cut.onnx"], "is no ONNX model, or only a part of one"),
    "pickle": (["weights.pt"], "may hold a pickle"),
    "kind": (["model.h5"], "files ending in .h5 are not read"),
    "shape": (["network.onnx", "--shape", "1x4xa"], "shape: is '1x4xa', but has to be sizes"),
    "axes": (["network.onnx", "--shape", "1x4x5"], "'x' has 4 axes, but 3 sizes were given"),
    "name": (["network.onnx", "--shape", "z=1x4x5x5"], "the model has no value 'z'"),
    "twice": (["network.onnx", "--shape", "x=1x4x5x5", "--shape", "x=1x4x6x6"], "shape: x is given twice"),
    "place": (["network.onnx", "--html", "network.onnx/page.html"], "cannot be written"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_line_and_exit_code_2_and_leaves_nothing_behind(path, name, monkeypatch):
    monkeypatch.chdir(path.parent)
    whole = path.read_bytes()
    Path("cut.onnx").write_bytes(whole[:len(whole) // 2])
    Path("weights.pt").write_bytes(b"\x80\x02.")
    Path("model.h5").write_bytes(b"\x89HDF")
    before = sorted(path.parent.iterdir())
    words, says = BAD[name]
    result = tconv("inspect", *words, *(() if name == "place" else ("--html", "page.html")))
    assert (result.returncode, result.stdout) == (2, ""), result
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(path.parent.iterdir()) == before
    assert path.read_bytes() == whole
