"""Conversions between every two frameworks, run on both sides; and what a proof says where something is amiss."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tconv.conventions import convert
from tconv.errors import SizeError
from tconv.proof import SIDES, prove, side
from tconv.proof.side import missing

ROOT = Path(__file__).parents[2]
KERAS = "keras Conv2DTranspose(4, 3, strides=2, padding='same')"


def every_pair(count, seed):
    """How many conversions were run, of `count` between any two frameworks that are installed; all have to be equal."""
    for package in ("keras", "jax"):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'tconv[keras,jax]'")
    quiet = {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-m", "tests.proof.pairs", str(count), str(seed)], cwd=ROOT,
                          env=os.environ | quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    return found["ran"], count * len(found["frameworks"]) ** 2


@pytest.mark.verify
def test_every_framework_s_layer_in_every_other_s_words_gives_the_same_numbers():
    ran, asked = every_pair(1, 0)
    assert ran == asked


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(1, 6))
def test_every_framework_s_layer_in_every_other_s_words_gives_the_same_numbers_on_the_full_grid(seed):
    ran, asked = every_pair(4, seed)
    assert ran == asked


def test_a_proof_in_processes_of_their_own_says_what_was_compared():
    for package in ("torch", "onnxruntime"):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'tconv[torch,onnx]'")
    proof = prove(convert("torch ConvTranspose2d(2, 4, 3, stride=2, padding=1, bias=False)", "onnx"))
    assert (proof.x, proof.kernel, proof.bias, proof.compared) == ((2, 5, 4, 2), (2, 4, 3, 3), None, 2 * 9 * 7 * 4)
    assert [(one.name, one.part, one.shape, one.difference) for one in proof.sides] == [
        ("tconv", "both", (2, 9, 7, 4), 0), ("torch", "read", (2, 9, 7, 4), 0), ("onnx", "written", (2, 9, 7, 4), 0)]
    assert proof.equal
    assert proof.complete
    assert proof.seconds > 0


def test_a_conversion_that_is_wrong_by_one_sample_is_not_equal():
    pytest.importorskip("torch", reason="needs torch: pip install 'tconv[torch]'")
    found = convert("torch ConvTranspose1d(2, 4, 4, stride=2, padding=1)", "torch")
    shifted = replace(found.spelling, code="torch.nn.ConvTranspose1d(2, 4, 4, stride=2, padding=0)[..., 2:]")
    shifted = replace(shifted, code="torch.nn.Sequential(torch.nn.ZeroPad1d((1, -1)), " + found.code + ")")
    proof = prove(replace(found, spelling=shifted), apart=False)
    assert not proof.equal
    assert proof.sides[-1].difference >= 1


def test_a_result_of_another_shape_is_not_equal():
    pytest.importorskip("torch", reason="needs torch: pip install 'tconv[torch]'")
    found = convert("torch ConvTranspose1d(2, 4, 4, stride=2, padding=1)", "torch")
    longer = replace(found.spelling, code=found.code.replace("padding=1", "padding=0"))
    assert not prove(replace(found, spelling=longer), apart=False).equal


def test_what_is_not_installed_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(side, "find_spec", lambda package: None)
    proof = prove(convert(KERAS, "torch"))
    assert proof.missing == {"keras": "pip install 'tconv[keras]'", "jax": "pip install 'tconv[keras,jax]'",
                             "torch": "pip install 'tconv[torch]'"}
    assert [one.name for one in proof.sides] == ["tconv"]
    assert proof.equal
    assert not proof.complete


def test_a_side_that_fails_says_why_and_the_other_is_still_compared():
    pytest.importorskip("torch", reason="needs torch: pip install 'tconv[torch]'")
    found = convert("torch ConvTranspose1d(2, 4, 4, stride=2)", "torch")
    broken = replace(found.spelling, code=found.code.replace("ConvTranspose1d", "ConvTranspose9d"))
    proof = prove(replace(found, spelling=broken))
    assert "has no attribute 'ConvTranspose9d'" in proof.sides[-1].problem
    assert proof.sides[1].difference == 0
    assert not proof.complete


def test_a_layer_too_large_to_prove_at_once_is_refused_before_memory_is_taken():
    with pytest.raises(SizeError, match="multiply-adds are too many to prove at once; take fewer channels"):
        prove(convert("torch ConvTranspose2d(65536, 65536, 7)", "keras"))


def test_the_numbers_stay_exact_in_float32_where_channels_are_many():
    found = convert("torch ConvTranspose2d(60000, 1, 5, stride=5)", "onnx")
    if absent := {**missing("torch"), **missing("onnx")}:
        pytest.skip(f"needs {' and '.join(absent)}: pip install {' '.join(absent.values())}")
    assert prove(found).most == 1


def test_every_framework_that_was_run_has_a_program():
    from tconv.conventions.table import CONVENTIONS, CONVOLUTIONS

    for table in (CONVENTIONS, CONVOLUTIONS):
        assert {name for name, row in table.items() if row.run} == set(SIDES)
