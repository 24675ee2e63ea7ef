"""Runs `on_backend.py` once for each backend: Keras cannot change its backend within a process."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("keras")

ROOT = Path(__file__).parents[2]
# Without most of XLA's optimizations its many small compilations take a third of the time.
SETTINGS = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


def passes_on(backend, *options):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "pytest", "tests/keras/on_backend.py", "-q", "-W", "ignore", "--tb=short",
               "-p", "no:cacheprovider", *options]
    environment = {**os.environ, **SETTINGS, "KERAS_BACKEND": backend}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_layers_are_right_on(backend):
    passes_on(backend)


@pytest.mark.verify
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_layers_are_right_on_a_long_grid_on(backend):
    passes_on(backend, "-m", "verify")
