"""One peer in a process of its own: `python -m tconv.bench.worker MODULE THREADS`, orders and answers as lines of JSON.

Each framework has its own threads, and its own idea of how many; apart, none waits for another's. A worker that is not
at work sleeps. It ends when its input does.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import numpy as np

from ..methods.channels import Array
from .cases import Task
from .limits import confine
from .peers.peer import Program

__all__ = ["main"]

TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2}  # of the largest number; a bfloat16 product in float32 shows
MOST_CALLS = 20_000


class Worker:
    """What a process holds between orders: the programs of one task."""

    def __init__(self, peer: ModuleType):
        self.peer = peer
        self.programs: dict[str, Program] = {}

    def prepare(self, *, kind: str, task: dict[str, Any], folder: str) -> dict[str, Any]:
        """Make the ways to do a task, run each once, and keep those that compute what is expected."""
        self.drop()
        return KINDS[kind](self, task, Path(folder))

    def turn(self, *, way: str, seconds: float, warm: bool = True) -> dict[str, Any]:
        """Milliseconds of each call for so long; the first one, which warms up, does not count."""
        run, times = self.programs[way].run, []
        if warm:
            run()
        stop = time.perf_counter() + seconds
        while True:
            start = time.perf_counter()
            run()
            end = time.perf_counter()
            times.append(round((end - start) * 1e3, 5))
            if end > stop or len(times) >= MOST_CALLS:
                break
        return {"times": times}

    def drop(self) -> dict[str, Any]:
        """Forget the task, and give its memory back."""
        self.programs.clear()
        return self.rest()

    def rest(self) -> dict[str, Any]:
        """Give memory back that is not in use: others are about to take theirs."""
        if sys.platform.startswith("linux") and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
            library.malloc_trim(0)
        return {}

    def layer(self, plain: dict[str, Any], folder: Path) -> dict[str, Any]:
        """A pass over a layer: its result is compared with that of the portable methods in float64."""
        from .cases import Arrays

        task = Task.of(plain)
        arrays = Arrays(*(np.load(folder / f"{name}.npy") for name in Arrays._fields))
        want = np.load(folder / f"{task.passing}.npy")
        found: dict[str, float] = {}
        wrong: list[WrongResult] = []
        for name, program in self.peer.programs(task, arrays).items():
            try:
                found[name] = distance(np.asarray(program.result(program.run())), want, TOLERANCE[task.dtype])
                self.programs[name] = program
            except WrongResult as error:
                wrong.append(error)
        if not found:
            raise wrong[0]
        return {"ways": found}

    def step(self, plain: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Training steps: their losses are told, and compared by who asked."""
        from .steps import Step

        task = Step.of(plain)
        self.programs = dict(self.peer.programs(task))
        return {"losses": {name: [float(one.result(one.run())) for _ in range(task.compared)]
                           for name, one in self.programs.items()}}


KINDS = {"layer": Worker.layer, "step": Worker.step}


class WrongResult(Exception):
    """A peer that computes something else."""


def distance(out: Array, want: Array, tolerance: float) -> float:
    """How far a result is from the expected one, as lengths of vectors.

    Raises:
        WrongResult: if any number is farther off than this share of the largest.
    """
    if out.shape != want.shape:
        raise WrongResult(f"gives the shape {out.shape}, not {want.shape}")
    gap = np.abs(out.astype(np.float64) - want)
    largest, most = float(gap.max(initial=0)), float(np.abs(want).max(initial=0))
    if not largest <= tolerance * most:
        raise WrongResult(f"computes something else: a number is off by {largest:.3g}, where the largest is {most:.3g}")
    return float(np.linalg.norm(gap) / max(float(np.linalg.norm(want)), 1e-300))


def main(module: str, threads: int) -> None:
    """Answer orders until the input ends."""
    answers = _own_output()
    confine(threads)
    worker: Worker | None = None
    try:
        peer = import_module(module)
        peer.start(threads)
        worker = Worker(peer)
        _say(answers, {"ready": True})
    except Exception as error:
        _say(answers, {"failed": _told(error)})
        return
    for line in sys.stdin:
        order = json.loads(line)
        try:
            _say(answers, getattr(worker, order.pop("do"))(**order))
        except Exception as error:
            _say(answers, {"failed": _told(error)})


def _own_output() -> TextIO:
    """The pipe to who asked; whatever frameworks print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _told(error: Exception) -> str:
    """An error in one line; what is not ours says what kind it is."""
    from ..errors import TconvError

    said = " ".join(str(error).split())[:300]
    return said if isinstance(error, TconvError | WrongResult) else f"{type(error).__name__}: {said}"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
