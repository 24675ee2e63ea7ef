"""What the conventions say is what each framework computes, to the integer."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conventions import cases, runs

ROOT = Path(__file__).parents[2]


def compare(drawn, results):
    results = list(results)
    assert len(results) == len(drawn)
    for case, result in zip(drawn, results):
        case.check(result)


def in_parts(drawn, run, size=500):
    for start in range(0, len(drawn), size):
        part = drawn[start : start + size]
        compare(part, run(part))


ROWS = {
    "torch": ("torch", cases.of_torch, runs.in_torch, 1000),
    "lax": ("jax", cases.of_jax, runs.in_lax, cases.SAMPLE),
    "flax": ("flax", cases.of_flax, runs.in_flax, cases.SAMPLE),
    "equinox": ("equinox", cases.of_equinox, runs.in_equinox, cases.SAMPLE),
    "tensorflow": ("tensorflow", cases.of_tensorflow, runs.in_tensorflow, cases.SAMPLE),
    "onnxruntime": ("onnxruntime", cases.of_onnx, runs.in_onnxruntime, 1000),
    "openvino": ("openvino", cases.of_openvino, runs.in_openvino, cases.SAMPLE),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_framework_computes_what_its_convention_says(name):
    package, kind, run, count = ROWS[name]
    pytest.importorskip(package)
    in_parts(cases.draw(kind, count), run)


@pytest.mark.verify
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_framework_computes_what_its_convention_says_on_the_full_grid(name):
    package, kind, run, _ = ROWS[name]
    pytest.importorskip(package)
    in_parts(cases.draw(kind, cases.GRID, seed=1), run)


def keras_on(backend, count, seed, folder):
    """Keras' results, from a process of its own: a process has one backend."""
    for package in ("keras", backend):
        pytest.importorskip(package)
    path = folder / f"{backend}.npz"
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu",
                                "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "tests.conventions.keras_backend", backend, str(count), str(seed), str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(path) as results:
        compare(cases.draw(cases.of_keras, count, seed=seed, tensorflow=backend == "tensorflow"), results.values())


BACKENDS = ("jax", "torch", "tensorflow")


@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_computes_what_its_convention_says(backend, tmp_path):
    keras_on(backend, cases.SAMPLE, 0, tmp_path)


@pytest.mark.verify
@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_computes_what_its_convention_says_on_the_full_grid(backend, tmp_path):
    for seed in range(1, 1 + cases.GRID // 500):
        keras_on(backend, 500, seed, tmp_path)
