"""Which way a convolution takes here: by the engine, or by a framework's own operations."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from .. import engine

__all__ = ["Face", "faces"]

FACES = {"tconv (NumPy)": None, "tconv.jax": "jax", "tconv.torch": "torch", "tconv.keras on JAX": "jax",
         "tconv.keras on PyTorch": "torch", "tconv.keras on TensorFlow": "tensorflow", "tconv.tensorflow": "tensorflow"}


@dataclass(frozen=True, slots=True)
class Face:
    """One way into the package.

    Args:
        name: as one imports it.
        installed: whether its framework is there.
        runs: what does the work, for float32 arrays on the CPU.
    """

    name: str
    installed: bool
    runs: str


def faces() -> tuple[Face, ...]:
    """All faces, without importing their frameworks."""
    return tuple(_face(name, framework) for name, framework in FACES.items())


def _face(name: str, framework: str | None) -> Face:
    needed = [framework, "keras"] if "keras" in name else [framework]
    missing = [package for package in needed if package and find_spec(package) is None]
    if missing:
        return Face(name, False, f"not installed: {', '.join(missing)}")
    if framework == "tensorflow":
        return Face(name, True, "TensorFlow's own operations, always")
    if engine.available():
        return Face(name, True, f"the engine ({engine.isa()})")
    return Face(name, True, "the portable methods" if framework is None else "the framework's own operations")
