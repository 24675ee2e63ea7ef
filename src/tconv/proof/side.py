"""One framework's part: its program, run here, or apart by `python -m tconv.proof.side FOLDER`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conventions.programs import PROGRAMS
from ..errors import TconvError

__all__ = ["SIDES", "Running", "missing", "run", "version"]

Array = NDArray[Any]
BACKENDS = ("jax", "torch", "tensorflow")
PATIENCE = 300  # seconds; the slowest framework is there in ten
SIDES = tuple(PROGRAMS)
"""The frameworks that a program can be run in."""


def missing(name: str) -> dict[str, str]:
    """The packages of a framework that are not installed, each with what pip is to install."""
    wanted = dict(PROGRAMS[name].packages)
    if name == "keras" and not any(map(find_spec, BACKENDS)):
        wanted["jax"] = "'tconv[keras,jax]'"
    return {package: install for package, install in wanted.items() if find_spec(package) is None}


def version(name: str) -> str:
    """The framework's name and version; of Keras also the backend that a proof takes."""
    package = list(PROGRAMS[name].packages)[-1]
    said = f"{package} {metadata.version(package)}"
    return f"{said} on {_backend()}" if name == "keras" else said


def _backend() -> str:
    """The backend that is asked for, or else the first that is installed."""
    return os.environ.get("KERAS_BACKEND") or next(name for name in BACKENDS if find_spec(name))


def run(program: Sequence[str], arrays: Mapping[str, Any]) -> Array:
    """What a program leaves in `y`, given these names."""
    names = dict(arrays)
    exec("\n".join(program), names)  # our own text: literals that were parsed, no words of a caller
    return np.asarray(names["y"])


@dataclass
class Running(AbstractContextManager["Running"]):
    """A program in a process of its own: some frameworks end theirs, and each wants its own settings.

    Args:
        name: the framework.
        program: its lines.
        arrays: `x`, `kernel`, `bias`, and numbers of channels.
    """

    name: str
    program: Sequence[str]
    arrays: Mapping[str, Any]
    folder: TemporaryDirectory[str] = field(default_factory=TemporaryDirectory)

    def __enter__(self) -> Running:
        folder = Path(self.folder.name)
        (folder / "program.json").write_text(json.dumps({"lines": list(self.program), "started": time.time()}))
        np.savez(folder / "arrays.npz", **self.arrays)
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
        backend = {"KERAS_BACKEND": _backend()} if self.name == "keras" else {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, self.folder.name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env=os.environ | quiet | backend)
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def result(self) -> tuple[Array | None, str, float]:
        """The result or None, the last line of what went wrong, and the seconds it took, imports included."""
        try:
            _, told = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return None, f"it took longer than {PATIENCE} seconds", PATIENCE
        path = Path(self.folder.name) / "y.npz"
        if self.process.returncode or not path.exists():
            return None, _reason(told, self.process.returncode), 0
        with np.load(path) as stored:
            return stored["y"], "", float(stored["seconds"])


def _reason(told: str, code: int) -> str:
    """The first line of the last error, or how the process ended."""
    if code < 0:
        return f"its process ended with signal {-code}"
    errors = [line for line in told.splitlines() if line[:1].isalpha() and "Error" in line.split(":")[0]]
    return errors[-1] if errors else f"its process ended with {code}"


def _main(folder: Path) -> None:
    program = json.loads((folder / "program.json").read_text())
    with np.load(folder / "arrays.npz") as stored:
        arrays = {name: value if value.ndim else value.item() for name, value in stored.items()}
    y = run(program["lines"], arrays)
    np.savez(folder / "y.npz", y=y, seconds=time.time() - program["started"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise TconvError("tconv.proof.side: takes one folder, with program.json and arrays.npz in it.")
    _main(Path(sys.argv[1]))
