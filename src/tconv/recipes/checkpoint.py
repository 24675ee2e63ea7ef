"""A training's whole state in one file: every variable, how far it got, and with which settings."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import whole_file, write_whole
from ..methods.channels import Array

__all__ = ["NAME", "Checkpoint", "Epoch", "Part", "pour", "read", "save_model", "snapshot", "write"]

NAME = "checkpoint.npz"
FORM = 2


@dataclass(frozen=True, slots=True)
class Epoch:
    """How one pass over the data went.

    Args:
        epoch: number, from 1.
        metrics: by name, means over the training examples, each taken just before its batch's step; with `val_` before
            the name, over the validation examples after the last step.
        seconds: for the steps and the validation.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """How much of an epoch is done: steps, examples, seconds, and each metric's sum over the examples."""

    steps: int = 0
    seen: int = 0
    seconds: float = 0.0
    sums: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is needed to go on as if nothing had happened.

    Args:
        recipe: its name.
        settings: what the training was started with, as plain data.
        data: digest of the examples.
        about: what the network must know of the data.
        history: the epochs that are done.
        part: what is done of the next one.
        variables: weights, seed generators and the optimizer's, in the learner's own order.
        paths: the variables' names, one each.
    """

    recipe: str
    settings: Mapping[str, Any]
    data: str
    about: Mapping[str, Any]
    history: tuple[Epoch, ...]
    part: Part
    variables: tuple[Array, ...]
    paths: tuple[str, ...]


def snapshot(variables: Sequence[Any]) -> tuple[tuple[Array, ...], tuple[str, ...]]:
    """Keras variables as arrays, and their names."""
    return tuple(np.asarray(_host(v)) for v in variables), tuple(v.path for v in variables)


def pour(saved: Checkpoint, variables: Sequence[Any], where: str) -> None:
    """Put a checkpoint's values into a learner's variables.

    Raises:
        DataError: if they are those of another network.
    """
    has = [array.shape for array in saved.variables]
    wants = [tuple(v.shape) for v in variables]
    if has != wants:
        odd = next((f"{a} where it wants {b}" for a, b in zip(has, wants, strict=False) if a != b), "")
        raise DataError(f"{where}: is the checkpoint of another network: it has {len(has)} variables and this one "
                        f"{len(wants)}"
                        f"{', the first that differs is ' + odd if odd else ''}; resume it with its own settings.")
    for variable, array in zip(variables, saved.variables, strict=True):
        variable.assign(array)


def _host(variable: Any) -> Array:
    import keras

    # A copy, since NumPy's view of a JAX or PyTorch array may change under the next step.
    return np.array(keras.ops.convert_to_numpy(variable.value))


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file whole: the old one stays until the new one is on the disk.

    Raises:
        DataError: if it cannot be written.
    """
    state = {"form": FORM} | {name: getattr(checkpoint, name) for name in
                              ("recipe", "settings", "data", "about", "paths")}
    state |= {"history": [asdict(epoch) for epoch in checkpoint.history], "part": asdict(checkpoint.part)}
    arrays = {f"variable_{number:04}": array for number, array in enumerate(checkpoint.variables)}
    with whole_file(path) as file:
        np.savez(file, state=np.frombuffer(json.dumps(state).encode(), np.uint8), **arrays)  # type: ignore[arg-type]


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
            return _read(path, file)
    except DataError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: is no whole checkpoint of tconv ({error}); start the training anew.") from None


def _read(path: Path, file: Any) -> Checkpoint:
    if "about" in file and "state" not in file:
        raise DataError(f"{path}: is a checkpoint of form 1, this version of tconv reads {FORM}; use the version that "
                        "wrote it, or train anew.")
    state = json.loads(file["state"].tobytes())
    if state["form"] != FORM:
        raise DataError(f"{path}: is a checkpoint of form {state['form']}, this version of tconv reads {FORM}; use the "
                        "version that wrote it.")
    variables = tuple(file[f"variable_{number:04}"] for number in range(len(state["paths"])))
    history = tuple(Epoch(**row) for row in state["history"])
    return Checkpoint(state["recipe"], state["settings"], state["data"], state["about"], history,
                      Part(**state["part"]), variables, tuple(state["paths"]))


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
