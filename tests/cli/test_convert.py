"""`tconv convert`: the layer, what makes it exact, the program, and the proof; its text is golden in test_solve.py."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("typer", reason="needs typer and rich: pip install 'tconv[cli]'")

from tests.cli.test_solve import tconv

KERAS = "keras Conv2DTranspose(64, 4, strides=2, padding='same')"


def test_a_proof_is_run_on_the_spot_and_says_what_was_compared():
    for package in ("torch", "onnxruntime"):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'tconv[torch,onnx]'")
    result = tconv("convert", "torch Conv2d(3, 8, 3, stride=2, padding=1)", "--to", "onnx", "--sizes", "9x8")
    assert result.returncode == 0, result.stderr
    *_, said, ours, _, _, verdict = result.stdout.splitlines()
    assert said == ("Proof: x (2, 9, 8, 3), kernel (8, 3, 3, 3), bias (8,); whole numbers from -4 to 4.")
    assert "(2, 5, 4, 8)" in ours
    assert result.stdout.count("largest difference 0") == 2
    assert verdict.startswith("Equal: torch ")
    assert "give the same 320 numbers" in verdict


def test_a_program_gets_the_proof_with_the_numbers():
    pytest.importorskip("torch", reason="needs torch: pip install 'tconv[torch]'")
    found = json.loads(tconv("convert", "torch ConvTranspose1d(2, 4, 4, 2, 1)", "--to", "mxnet", "--json").stdout)
    assert (found["run"], found["program"], found["output"]) == (False, [], None)
    assert (found["proof"]["equal"], found["proof"]["complete"], found["proof"]["missing"]) == (True, False, {})
    assert [side["name"] for side in found["proof"]["sides"]] == ["tconv", "torch"]


def test_without_a_proof_no_framework_is_started():
    found = json.loads(tconv("convert", KERAS, "--to", "torch", "--sizes", "7x7", "--json", "--no-prove").stdout)
    assert (found["exact"], found["output"], found["proof"]) == (True, [14, 14], None)
    assert found["code"] == "torch.nn.ConvTranspose2d(in_channels, 64, 4, stride=2, padding=1)"
    assert found["read"] == "keras.layers.Conv2DTranspose(64, 4, strides=2, padding='same')"


PATCHED = """
import sys
from tconv.proof import side
side.find_spec = lambda package: None
{more}
sys.argv = ["tconv", "convert", "torch ConvTranspose1d(2, 4, 4, 2, 1)", "--to", "keras"]
from tconv.cli import main
main()
"""


def patched(more):
    """`tconv convert` where no package is found, and more lines have been run before it."""
    command = [sys.executable, "-c", PATCHED.format(more=more)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_not_installed_is_named_with_the_line_that_installs_it():
    result = patched("")
    assert result.returncode == 0, result.stderr
    assert "torch is not installed, so its side was not run: pip install 'tconv[torch]'" in result.stdout
    assert result.stdout.splitlines()[-1] == "Nothing is proved: torch and keras were not run."


def test_layers_that_are_not_equal_end_with_exit_code_1():
    pytest.importorskip("torch", reason="needs torch: pip install 'tconv[torch]'")
    wrong = "import tconv.proof.comparison as p; own = p._ours; p._ours = lambda *given: own(*given) + 1"
    wrong += "\nfrom importlib.util import find_spec; side.find_spec = lambda name: find_spec(name) if name == 'torch' "
    wrong += "else None"
    result = patched(wrong)
    assert result.returncode == 1, result.stderr
    assert "largest difference 1" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("NOT equal")


BAD_WORDS = {
    "text": (["hello", "--to", "torch"], "is no layer"),
    "setting": (["keras Conv2DTranspose(4, 3, strides=0)", "--to", "torch"], "stride is 0"),
    "target": (["keras Conv2DTranspose(4, 3)", "--to", "caffe"], "to is 'caffe'"),
    "layer": (["keras Conv2dTranspose(4, 3)", "--to", "torch"], "(is Conv2DTranspose meant?)"),
    "option": (["torch ConvTranspose2d(4, 4, 3, strides=2)", "--to", "keras"], "(is stride meant?)"),
    "together": (["keras Conv2D(4, 3, strides=2, dilation_rate=2)", "--to", "torch"], "which Keras refuses together"),
    "sizes": (["keras Conv2D(4, 3, strides=2, padding='same')", "--to", "torch"], "--sizes 28x28"),
    "too small": (["keras Conv2D(4, 7)", "--to", "torch", "--sizes", "3x3"], "the kernel reaches over 7 samples"),
    "ranks": (["keras Conv2D(4, 3)", "--to", "torch", "--sizes", "9"], "values for 1 axis"),
    "large": (["torch ConvTranspose2d(65536, 65536, 9)", "--to", "keras"], "too many to prove at once"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says):
    result = tconv("convert", *arguments)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
