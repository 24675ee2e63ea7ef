"""How far apart two sets of features are: the Fréchet distance of the Gaussians that fit them."""

from __future__ import annotations

import numpy as np

from ..methods.channels import Array

__all__ = ["frechet", "unlikeness"]


def frechet(one: Array, other: Array) -> float:
    """The squared distance of the means, and how unlike the covariances are (Dowson and Landau 1982).

    Args:
        one: features, shape `(N, F)`.
        other: shape `(M, F)`.

    >>> ends = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    >>> round(frechet(ends, ends + [3.0, 4.0]), 6), round(frechet(ends, 3 * ends), 6)
    (25.0, 4.0)
    """
    (mean, spread), (mean_2, spread_2) = _fit(one), _fit(other)
    root = _root(spread)
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ spread_2 @ root), 0)).sum()
    return float(np.square(mean - mean_2).sum() + np.trace(spread) + np.trace(spread_2) - 2 * shared)


def unlikeness(made: Array, real: Array) -> float:
    """The Fréchet distance in percent of the real features' variance, which does not depend on the features' scale.

    0 where they are alike; a constant at the real mean has 100.

    >>> real = np.array([[-1.0], [1.0]])
    >>> unlikeness(np.zeros((5, 1)), real), unlikeness(real, real)
    (100.0, 0.0)
    """
    return 100 * max(frechet(made, real), 0.0) / float(real.astype(float).var(axis=0).sum())


def _fit(features: Array) -> tuple[Array, Array]:
    """Mean `(F,)` and covariance `(F, F)`."""
    wide = features.astype(float)
    mean = wide.mean(axis=0)
    return mean, (wide - mean).T @ (wide - mean) / len(wide)


def _root(spread: Array) -> Array:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(spread)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
