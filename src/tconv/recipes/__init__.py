"""Networks to train and look at, one readable file each. Importing this imports no framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import autoencoder
from .backend import BACKENDS, use_backend
from .generators import transposed_generator, upsampling_generator
from .learner import Compiled
from .ranks import Ranks
from .recipe import (
                     Animation,
                     Data,
                     Examples,
                     Figure,
                     Gallery,
                     Judged,
                     Learner,
                     Made,
                     Plot,
                     Recipe,
                     Stack,
                     Table,
                     Trained,
                     Use,
                     digest,
)
from .runs import Run, recipe_of, restore, resume, start
from .settings import Common, setting
from .table import RECIPES

__all__ = ["BACKENDS", "NETWORKS", "RECIPES", "Animation", "Common", "Compiled", "Data", "Examples", "Figure",
           "Gallery", "Judged", "Learner", "Made", "Plot", "Ranks", "Recipe", "Run", "Stack", "Table", "Trained", "Use",
           "autoencoder", "digest", "recipe_of", "restore", "resume", "setting", "start", "transposed_generator",
           "upsampling_generator", "use_backend"]

NETWORKS: dict[str, Callable[..., Any]] = {
    "autoencoder": autoencoder.network,
    "generator-upsampling": upsampling_generator,
    "generator-transposed": transposed_generator,
}
