"""The recipes, by the name that `tconv train` knows them by."""

from __future__ import annotations

from . import autoencoder, gan, segmentation, superres
from .recipe import Recipe

__all__ = ["RECIPES"]

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (
    autoencoder.RECIPE, gan.RECIPE, segmentation.RECIPE, superres.RECIPE)}
