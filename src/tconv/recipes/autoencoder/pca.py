"""Principal components: the best that a linear code can do, which a network has to be better than."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...methods.channels import Array

__all__ = ["Components", "components"]


@dataclass(frozen=True, slots=True)
class Components:
    """Directions of images, those along which they differ most first.

    Args:
        mean: shape `(pixels,)`.
        directions: orthonormal rows, shape `(count, pixels)`.
    """

    mean: Array
    directions: Array

    def given_back(self, images: Array, count: int) -> Array:
        """Images `(N, ...)` through a code of `count` numbers and back."""
        rows = self.directions[:count]
        flat = images.reshape(len(images), -1) - self.mean
        return ((flat @ rows.T) @ rows + self.mean).reshape(images.shape)


def components(images: Array, count: int) -> Components:
    """The first principal components of images `(N, ...)`.

    >>> found = components(np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]), 1)
    >>> np.round(found.given_back(np.array([[3.0, 1.0]]), 1), 6)
    array([[2., 2.]])
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0)
    # The scatter matrix is small where the images are many.
    _, rows = np.linalg.eigh(np.float64((flat - mean).T @ (flat - mean)))
    return Components(mean, np.ascontiguousarray(rows[:, ::-1][:, :count].T.astype(flat.dtype)))
