"""The engine on PyTorch's threads: a second pool would wait for cores that PyTorch's idle threads keep busy."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch

from .. import engine

__all__ = ["share"]

FUNCTIONS = ("GOMP_parallel", "omp_get_max_threads", "omp_in_parallel")


def share() -> bool:
    """Let the engine compute on the OpenMP threads of this PyTorch, if it was built with any of GCC's interface."""
    library = Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"
    try:
        loaded = ctypes.CDLL(str(library))  # with all that it depends on
        addresses = [ctypes.cast(getattr(loaded, name), ctypes.c_void_p).value for name in FUNCTIONS]
    except (OSError, AttributeError):
        return False
    engine.borrow_threads(*map(int, filter(None, addresses)))
    return True
