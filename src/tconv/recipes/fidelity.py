"""How close a picture comes to another one: PSNR and SSIM, on the luminance that publications measure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import MissingExtra
from ..methods.channels import Array

__all__ = ["colours", "luminance", "psnr", "ssim"]

# ITU-R BT.601 for eight bits: luminance 16 to 235, colour differences around 128.
TO_LUMINANCE = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
OFFSET = np.array([16.0, 128.0, 128.0])


def luminance(picture: Array) -> Array:
    """A picture `(H, W, 3)` in `0..255` as luminance and two colour differences, float64 `(H, W, 3)`.

    >>> luminance(np.array([[[255, 255, 255], [0, 0, 0]]])).round(3).tolist()
    [[[235.0, 128.0, 128.0], [16.0, 128.0, 128.0]]]
    """
    return picture @ TO_LUMINANCE.T + OFFSET  # type: ignore[no-any-return]


def colours(parts: Array) -> Array:
    """The way back, to uint8 `(H, W, 3)`."""
    return np.rint(np.clip((parts - OFFSET) @ np.linalg.inv(TO_LUMINANCE).T, 0, 255)).astype(np.uint8)


def psnr(true: Array, made: Array, border: int = 0) -> float:
    """Peak signal to noise ratio in dB, of samples in `0..255`, without this many samples along each edge.

    >>> round(psnr(np.zeros((4, 4)), np.ones((4, 4))), 2)
    48.13
    """
    error = float(np.square(_within(true, border) - _within(made, border)).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(true: Array, made: Array, border: int = 0) -> float:
    """Structural similarity with a Gaussian window of 11x11 (Wang et al. 2004), of samples in `0..255`.

    Raises:
        MissingExtra: without scikit-image.
    """
    try:
        from skimage.metrics import structural_similarity
    except ImportError:
        raise MissingExtra("tconv.recipes", "scikit-image", "recipes") from None
    options: dict[str, Any] = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5,
                               "use_sample_covariance": False}
    return float(structural_similarity(_within(true, border), _within(made, border), **options))


def _within(samples: Array, border: int) -> Array:
    return samples[border : len(samples) - border, border : samples.shape[1] - border]
