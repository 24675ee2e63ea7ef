"""A training's whole state in one file: every variable, how far it got, and with which settings."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import write_whole
from ..methods.channels import Array

__all__ = ["NAME", "Checkpoint", "Epoch", "pour", "read", "save_model", "snapshot", "write"]

NAME = "checkpoint.npz"
FORM = 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """How one pass over the data went.

    Args:
        epoch: number, from 1.
        loss: mean over the training images, each taken just before its batch's step.
        val_loss: mean over the validation images after the last step.
        seconds: for the steps and the validation.
    """

    epoch: int
    loss: float
    val_loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is needed to go on as if nothing had happened.

    Args:
        settings: what the training was started with, as plain data.
        data: digest of the images.
        history: the epochs that are done.
        variables: weights, seed generators and the optimizer's, in the model's own order.
        paths: the variables' names, one each.
    """

    settings: dict[str, Any]
    data: str
    history: tuple[Epoch, ...]
    variables: tuple[Array, ...]
    paths: tuple[str, ...]


def snapshot(model: Any) -> tuple[tuple[Array, ...], tuple[str, ...]]:
    """All variables of a compiled Keras model as arrays, and their names."""
    variables = _variables(model)
    return tuple(np.asarray(_host(v)) for v in variables), tuple(v.path for v in variables)


def pour(saved: Checkpoint, model: Any, where: str) -> None:
    """Put a checkpoint's variables into a compiled Keras model.

    Raises:
        DataError: if they are those of another network.
    """
    variables = _variables(model)
    has = [array.shape for array in saved.variables]
    wants = [tuple(v.shape) for v in variables]
    if has != wants:
        odd = next((f"{a} where it wants {b}" for a, b in zip(has, wants, strict=False) if a != b), "")
        raise DataError(f"{where}: is the checkpoint of another network: it has {len(has)} variables and this one "
                        f"{len(wants)}"
                        f"{', the first that differs is ' + odd if odd else ''}; resume it with its own settings.")
    for variable, array in zip(variables, saved.variables, strict=True):
        variable.assign(array)


def _variables(model: Any) -> Sequence[Any]:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def _host(variable: Any) -> Array:
    import keras

    # A copy, since NumPy's view of a JAX or PyTorch array may change under the next step.
    return np.array(keras.ops.convert_to_numpy(variable.value))


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file whole: the old one stays until the new one is on the disk.

    Raises:
        DataError: if it cannot be written.
    """
    about = {"form": FORM, "settings": checkpoint.settings, "data": checkpoint.data, "paths": checkpoint.paths,
             "history": [asdict(epoch) for epoch in checkpoint.history]}
    content = io.BytesIO()
    arrays = {f"variable_{number:03}": array for number, array in enumerate(checkpoint.variables)}
    np.savez(content, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    write_whole(path, content.getvalue())


def read(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is executed.

    Args:
        path: the file, or the run's folder.

    Raises:
        DataError: if there is none, or it is damaged or of another kind.
    """
    path = path / NAME if path.is_dir() else path
    if not path.is_file():
        raise DataError(f"{path}: there is no such checkpoint; give the folder that a training wrote.")
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            variables = tuple(file[f"variable_{number:03}"] for number in range(len(about["paths"])))
            history = tuple(Epoch(**row) for row in about["history"])
            if about["form"] != FORM:
                raise DataError(f"{path}: is a checkpoint of form {about['form']}, this version of tconv reads "
                                f"{FORM}; use the "
                                "version that wrote it.")
            return Checkpoint(about["settings"], about["data"], history, variables, tuple(about["paths"]))
    except DataError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: is no whole checkpoint of tconv ({error}); start the training anew.") from None


def save_model(path: Path, model: Any) -> None:
    """Save a Keras model, in Keras' own format, whole.

    Raises:
        DataError: if it cannot be written.
    """
    # Keras wants a path that ends in .keras, and writes to it bit by bit.
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder) / "model.keras"
        model.save(beside)
        write_whole(path, beside.read_bytes())
