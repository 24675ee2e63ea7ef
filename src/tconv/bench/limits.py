"""What this machine can do at most, measured: floating-point operations and bytes a second on so many threads.

In a process of its own, `python -m tconv.bench.limits THREADS` prints them as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

import numpy as np

from .facts import Limits

__all__ = ["confine", "measured"]

SOURCE = Path(__file__).with_name("limits.c")
FLAGS = (("-march=native",), ("-mcpu=native",), ())
IN_REGISTERS = "fused multiply-adds in registers"
BY_PRODUCTS = "an estimate, NumPy's matrix products: there is no C compiler"
SIZES = tuple(2**power for power in range(18, 29, 2))  # bytes that are read and written
TRIALS, SECONDS = 6, 0.03
SIDE = 1024

Work = Callable[[int, int], object]  # what a thread does: its number, and how many rounds


def confine(threads: int) -> None:
    """Keep this process to as many cores as it may have threads, whatever its libraries think that they may have."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def measured(threads: int) -> Limits:
    """The limits with all threads at work at once, the best of several trials each."""
    native = _compiled()
    if native is None:
        peak, copy = _products(threads), _ladder(threads, _numpy_copy)
        return Limits(threads, peak, None, BY_PRODUCTS, copy, copy)
    ladders = [_ladder(threads, partial(part, native)) for part in (_copying, _reading)]
    peaks = [_rate(threads, lambda _, rounds: native.multiply_add(rounds, 0.5, 0.5)) for _ in range(3)]
    tiles = native.bfloat16_operations()
    bfloat16 = tiles * _rate(threads, lambda _, rounds: native.bfloat16_multiply_add(rounds)) if tiles else None
    return Limits(threads, native.operations() * max(peaks), bfloat16, IN_REGISTERS, *ladders)


def _compiled() -> Any:
    """The C part, or None where nothing compiles it."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return None
    with TemporaryDirectory() as folder:
        out = Path(folder) / "limits.so"
        words = [compiler, "-O3", "-ffp-contract=fast", "-shared", "-fPIC", str(SOURCE), "-o", str(out)]
        if not any(subprocess.run([*words, *flags], capture_output=True).returncode == 0 for flags in FLAGS):
            return None
        native = ctypes.CDLL(str(out))
    native.multiply_add.argtypes = [ctypes.c_long, ctypes.c_float, ctypes.c_float]
    native.sum.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_long]
    native.copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_long]
    native.bfloat16_multiply_add.argtypes = [ctypes.c_long]
    native.operations.restype = native.bfloat16_operations.restype = ctypes.c_long
    return native


def _rate(threads: int, work: Work) -> float:
    """Rounds a second of all threads together, in the best of several trials of the same length."""
    rounds = 1
    while (seconds := _together(threads, work, rounds)) < SECONDS:
        rounds = rounds * 2 if seconds < SECONDS / 8 else int(rounds * min(8, 1.2 * SECONDS / seconds)) + 1
    return threads * rounds / min(_together(threads, work, rounds) for _ in range(TRIALS))


def _together(threads: int, work: Work, rounds: int) -> float:
    """Seconds from the first thread's start to the last one's end."""
    gate = Barrier(threads)

    def one(number: int) -> tuple[float, float]:
        gate.wait()
        start = time.perf_counter()
        work(number, rounds)
        return start, time.perf_counter()

    with ThreadPoolExecutor(threads) as pool:
        starts, ends = zip(*pool.map(one, range(threads)), strict=True)
    return max(ends) - min(starts)


def _ladder(threads: int, worker: Callable[[int, int], Work]) -> tuple[tuple[int, float], ...]:
    """Bytes a second, for each size of all that is touched."""
    return tuple((size, size / threads * _rate(threads, worker(threads, size))) for size in SIZES)


def _copying(native: Any, threads: int, size: int) -> Work:
    parts = [(np.ones(size // threads // 8, np.float32), np.ones(size // threads // 8, np.float32))
             for _ in range(threads)]
    return lambda number, rounds: native.copy(
        parts[number][0].ctypes.data, parts[number][1].ctypes.data, parts[number][0].size, rounds)


def _reading(native: Any, threads: int, size: int) -> Work:
    parts = [np.ones(size // threads // 4, np.float32) for _ in range(threads)]
    return lambda number, rounds: native.sum(parts[number].ctypes.data, parts[number].size, rounds)


def _numpy_copy(threads: int, size: int) -> Work:
    parts = [(np.ones(size // threads // 8, np.float32), np.ones(size // threads // 8, np.float32))
             for _ in range(threads)]

    def work(number: int, rounds: int) -> None:
        for _ in range(rounds):
            np.copyto(*parts[number])

    return work


def _products(threads: int) -> float:
    """Floating-point operations a second of matrix products, each thread at one of its own."""
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)

    def work(_: int, rounds: int) -> None:
        for _ in range(rounds):
            a @ a

    return 2 * SIDE**3 * _rate(threads, work)


if __name__ == "__main__":
    confine(int(sys.argv[1]))
    print(json.dumps(asdict(measured(int(sys.argv[1])))))
