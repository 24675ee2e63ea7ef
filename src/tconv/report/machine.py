"""What a result was made on and with; asked without importing any framework."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .. import engine

__all__ = ["Machine", "machine", "versions"]

PACKAGES = ("numpy", "keras", "jax", "jaxlib", "torch", "tensorflow", "flax", "equinox", "onnx", "onnxruntime",
            "openvino")


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer as a process sees it.

    Args:
        system: operating system and architecture.
        cpu: the processor's name.
        cores: how many this process may run on.
        threads: how many the engine uses.
        isa: instruction set that the engine's kernels run with; `portable` without the compiled part.
    """

    system: str
    cpu: str
    cores: int
    threads: int
    isa: str


def machine() -> Machine:
    """This machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(f"{platform.system()} {platform.machine()}", _cpu(), cores, engine.threads(), engine.isa())


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """The versions of those packages that are installed, tconv and Python first."""
    from .. import __version__

    found = {"tconv": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
