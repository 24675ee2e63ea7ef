"""TensorFlow's SavedModel, written and read by processes of their own, since Keras takes one backend a process."""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import DataError, MissingExtra
from ...methods.channels import Array
from . import stock
from .process import ask

__all__ = ["run", "write"]

WRITE = """
import sys
import keras
keras.saving.load_model(sys.argv[1], safe_mode=True).export(sys.argv[2], format="tf_saved_model", verbose=False)
import numpy as np
np.savez(sys.argv[4])
"""
RUN = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
with np.load(sys.argv[2]) as given:
    np.savez(sys.argv[3], *(model.serve(given[name]).numpy() for name in given.files))
"""
QUIET = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def write(model: Any, path: Path) -> None:
    """Export stock layers on TensorFlow; the folder appears when all of it is there.

    Raises:
        MissingExtra: without TensorFlow.
        DataError: if there is something in the place, or it cannot be written.
    """
    if find_spec("tensorflow") is None:
        raise MissingExtra("tconv.recipes", "tensorflow", "tensorflow")
    if path.exists():
        raise DataError(f"{path}: is there already; give another --out.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        file, whole = Path(folder) / "model.keras", Path(folder) / "model"
        stock.write(model, file)
        ask([sys.executable, "-c", WRITE, str(file), str(whole)], [], QUIET)
        whole.rename(path)


def run(path: Path, inputs: list[Array]) -> list[Array]:
    """What TensorFlow alone makes of inputs."""
    return ask([sys.executable, "-c", RUN, str(path)], inputs, QUIET)
