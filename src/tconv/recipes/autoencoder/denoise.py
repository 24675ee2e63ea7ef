"""`--task denoise`: noise is laid on each image, another one in each epoch, and the network takes it off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...methods.channels import Array
from ..recipe import Batch, Data, Figure, Judged, Trained, Use
from . import reconstruct
from .pictures import as_input, digits, gallery, of_digits, psnr, seen
from .settings import Settings

__all__ = ["TASK"]


@dataclass(frozen=True, slots=True)
class Noisy:
    """Grey images `(N, 28, 28)`, uint8, and noise of this strength on them; white is 1, and no pixel leaves `0..1`."""

    images: Array
    sigma: float

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """The noisy images at these places, and the clean ones."""
        clean = as_input(self.images[places])
        noise = draw.standard_normal(clean.shape, np.float32) * np.float32(self.sigma)
        return np.clip(clean + noise, 0, 1), clean


def data(settings: Settings) -> Data:
    """MNIST or the user's images, with noise."""
    return of_digits(digits(settings), partial(Noisy, sigma=settings.sigma))


def judge(trained: Trained, data: Data) -> Judged:
    """How much clearer the test images become, beside what smoothing does."""
    noisy, made, clean = seen(trained, data.test)
    before, after, smooth = psnr(noisy, clean), psnr(made, clean), _smoothed(noisy)
    return Judged(
        "Noise taken off",
        f"{len(trained.model.layers)} layers learned to give back the clean image from one with Gaussian noise of "
        f"sigma {trained.settings.sigma:g} on it: {after - before:.1f} dB better than what they were shown.",
        [Figure("PSNR", after, f"{len(clean):,} test images", unit="dB",
                baselines={"noisy": before, "smoothed": psnr(smooth, clean)})],
        [gallery("What it makes of noise", "Test images that it was not trained on; from above: with noise, smoothed "
                 "by a 3x3 window, cleaned by the network, and as they were.",
                 noisy=noisy, smoothed=smooth, ours=made, original=clean)],
    )


def _smoothed(images: Array) -> Array:
    """Weights 1 2 1 along both axes."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


TASK = replace(
    reconstruct.TASK,
    says="Learn to take noise off.",
    data=data,
    judge=judge,
    uses={"denoise": Use("Each picture, made grey and 28x28, without its noise.",
                         partial(reconstruct.one_by_one, end="-denoised.png"), "grey")},
)
