"""Another process that makes arrays of arrays: to see whether a file stands alone."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...methods.channels import Array

__all__ = ["ask"]

LINES = 3


def ask(command: Sequence[str], inputs: Sequence[Array], variables: Mapping[str, str]) -> list[Array]:
    """Run a command with the names of an `.npz` file to read and one to write; the arrays that it wrote.

    Raises:
        DataError: if it fails, with the last lines of what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        np.savez(given, *inputs)
        done = subprocess.run([*command, str(given), str(made)], env={**os.environ, **variables}, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            said = " ".join(done.stderr.strip().splitlines()[-LINES:])
            raise DataError(f"export: the file cannot be run ({said}); do not use it, and please report this.")
        with np.load(made) as found:
            return [found[name] for name in found.files]
