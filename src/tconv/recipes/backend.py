"""Which framework carries Keras: chosen before Keras is imported, because it cannot be changed after."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from ..errors import MissingExtra, SettingError

__all__ = ["BACKENDS", "use_backend"]

BACKENDS = ("jax", "torch", "tensorflow")


def use_backend(name: str | None = None) -> str:
    """Let Keras run on this framework: the one named, or that it runs on already, or `KERAS_BACKEND`, or JAX.

    Returns:
        The framework's name.

    Raises:
        SettingError: if there is no such backend, or Keras already runs on another one.
        MissingExtra: if Keras or the framework is not installed.
    """
    running = sys.modules["keras"].config.backend() if "keras" in sys.modules else None
    chosen = name or running or os.environ.get("KERAS_BACKEND") or "jax"
    if chosen not in BACKENDS:
        raise SettingError(f"backend: is {chosen!r}, but has to be one of {', '.join(BACKENDS)}.")
    if running not in (None, chosen):
        raise SettingError(f"backend: is {chosen!r}, but Keras already runs on {running!r} in this process; start a "
                           "new "
                           "one.")
    for package in ("keras", chosen):
        if find_spec(package) is None:
            raise MissingExtra("tconv.recipes", package, package)
    os.environ["KERAS_BACKEND"] = chosen
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return chosen
