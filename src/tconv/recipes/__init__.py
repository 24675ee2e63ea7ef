"""Networks to train and look at, one readable file each. Importing this imports no framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import autoencoder
from .backend import BACKENDS, use_backend
from .generators import transposed_generator, upsampling_generator

__all__ = ["BACKENDS", "RECIPES", "autoencoder", "transposed_generator", "upsampling_generator", "use_backend"]

RECIPES: dict[str, Callable[..., Any]] = {
    "autoencoder": autoencoder.network,
    "generator-upsampling": upsampling_generator,
    "generator-transposed": transposed_generator,
}
