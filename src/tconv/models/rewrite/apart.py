"""The same in a process of its own: what a damaged or hostile model does to ONNX or ONNX Runtime ends that one only."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import DataError, TconvError
from ...geometry.problem import MEMORY
from .load import load
from .optimize import Settings, optimize
from .outcome import Outcome, Step

__all__ = ["optimize_apart"]


def optimize_apart(
    path: Path,
    *,
    inputs: Mapping[str, Any] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """`optimize` of a file, in a process that may not take more memory than there is.

    Raises:
        DataError: also if that process comes to an end, as ONNX's own checks of some models do to it.
    """
    settings = settings or Settings()
    task = (path, dict(inputs or {}), dict(shapes or {}), replace(settings, told=Settings.told))
    with subprocess.Popen([sys.executable, "-c", f"from {__name__} import _work; _work()"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            result = _heard(process, task, settings)
        finally:
            process.kill()
    if result is None:
        raise DataError(f"{path}: ONNX or ONNX Runtime came to an end on it ({_end(process.returncode)}); the model is "
                        "damaged, or takes more memory than there is.")
    if isinstance(result, Exception):
        raise result
    return result


def _heard(process: subprocess.Popen[bytes], task: Any, settings: Settings) -> Outcome | Exception | None:
    """What the other process says, step by step; None if it ends without a result."""
    try:
        pickle.dump(task, process.stdin)  # type: ignore[arg-type]
        process.stdin.flush()  # type: ignore[union-attr]
        while True:
            said = pickle.load(process.stdout)  # type: ignore[arg-type]
            if not isinstance(said, Step):
                return said  # type: ignore[no-any-return]
            settings.told(said)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):
        process.wait()
        return None


def _end(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _work() -> None:
    """The other process: read the task, and say each step and the result."""
    _limit()
    said = sys.stdout.buffer
    path, inputs, shapes, settings = pickle.load(sys.stdin.buffer)

    def tell(what: Any) -> None:
        pickle.dump(what, said)
        said.flush()

    try:
        tell(optimize(load(path), inputs=inputs, shapes=shapes, settings=replace(settings, told=tell)))
    except TconvError as error:
        tell(error)
    except MemoryError:
        tell(DataError(f"{path}: takes more memory than the {MEMORY:,} bytes that there are."))


def _limit() -> None:
    try:
        import resource
    except ModuleNotFoundError:  # where there is no such limit, the system's own has to do
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY if most < 0 else min(MEMORY, most), most))
