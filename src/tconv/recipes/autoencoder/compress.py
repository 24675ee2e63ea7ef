"""`--task compress`: an image through a code of few numbers and back, and how good that is for each size of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ShapeError
from ...methods.channels import Array
from ..data.images import small
from ..learner import Compiled
from ..recipe import Data, Figure, Judged, Made, Plot, Trained, Use
from . import reconstruct
from .networks import decoder, encoder, narrow
from .pca import components
from .pictures import as_input, as_pixels, gallery, given_back, psnr
from .settings import Settings

__all__ = ["TASK", "codes", "learner", "opened"]


def learner(settings: Settings, about: Mapping[str, Any]) -> Compiled:
    """The network with the narrow place."""
    return Compiled(narrow(settings.filters or (), settings.code or (), tied=settings.tied,
                           learning_rate=settings.learning_rate, backend=settings.backend))


def codes(trained: Trained, images: Array) -> Array:
    """Images `(N, 28, 28, 1)` in `0..1` to codes `(N, code)`."""
    return _by_batch(encoder(trained.model), images, trained.settings.batch_size)[:, 0, 0]


def opened(trained: Trained, numbers: Array) -> Array:
    """Codes `(N, code)`, or the first numbers of such, to images `(N, 28, 28, 1)`."""
    missing = max(trained.settings.code) - numbers.shape[1]
    whole = np.pad(np.float32(numbers), ((0, 0), (0, missing)))
    return _by_batch(decoder(trained.model), whole[:, None, None], trained.settings.batch_size)


def _by_batch(model: Any, inputs: Array, size: int) -> Array:
    return np.concatenate([given_back(model, inputs[at : at + size]) for at in range(0, len(inputs), size)])


def judge(trained: Trained, data: Data) -> Judged:
    """Quality against the size of the code, beside principal components of the same size."""
    images, sizes = as_input(data.test.images), sorted(trained.settings.code)
    numbers, linear = codes(trained, images), components(as_input(data.train.images), sizes[-1])  # type: ignore[attr-defined]
    ours = {size: opened(trained, numbers[:, :size]) for size in sizes}
    theirs = {size: np.clip(linear.given_back(images, size), 0, 1) for size in sizes}
    over, largest = f"{len(images):,} test images", sizes[-1]
    figures = [Figure(f"PSNR through {size} numbers", psnr(ours[size], images), over, unit="dB",
                      baselines={"PCA": psnr(theirs[size], images)}) for size in reversed(sizes)]
    lines = {name: (sizes, [psnr(made[size], images) for size in sizes])
             for name, made in (("ours", ours), ("PCA", theirs))}
    curve = Plot("Quality against size", "Each size is the same network, its code cut short; PCA with as many "
                 "components.", "numbers in the code", "PSNR in dB", lines, log="x")
    rows = {f"through_{size}": ours[size] for size in reversed(sizes)}
    return Judged(
        f"Digits through {largest} numbers",
        f"{len(trained.model.layers)} layers learned to give back an image of 784 pixels from a code of {largest} "
        f"numbers{', the first of which say the most' if len(sizes) > 1 else ''}.",
        figures,
        [gallery("What comes out of the code", "Test images that it was not trained on; below each, what comes out if "
                 f"the code has {', '.join(map(str, reversed(sizes)))} numbers.", test_image=images, **rows),
         gallery(f"The same by {largest} principal components", "The best that a linear code can do.",
                 test_image=images, PCA=theirs[largest]),
         *([curve] if len(sizes) > 1 else [])],
    )


def encode(trained: Trained) -> Callable[[Array], Made]:
    """A grey picture to its code, float32."""
    def made(pixels: Array) -> Made:
        code = codes(trained, as_input(small(pixels)[None]))[0]
        return Made({"-code.npy": code}, f"{len(code)} numbers")

    return made


def decode(trained: Trained) -> Callable[[Array], Made]:
    """A code, or the beginning of one, to the picture that it stands for."""
    largest = max(trained.settings.code)

    def made(code: Array) -> Made:
        if code.ndim != 1 or not 1 <= len(code) <= largest or code.dtype.kind not in "fiu":
            raise ShapeError(f"decode: the code is {code.dtype} of shape {code.shape}, but has to be 1 to {largest} "
                             "numbers in a row, as --encode writes them.")
        return Made({"-decoded.png": as_pixels(opened(trained, code[None]))[0]}, f"from {len(code)} numbers")

    return made


TASK = replace(
    reconstruct.TASK,
    says="Learn to describe an image with few numbers.",
    learner=learner,
    judge=judge,
    uses={
        **reconstruct.TASK.uses,
        "encode": Use("Each picture, made grey and 28x28, to its code in an .npy file.", encode, "grey"),
        "decode": Use("Each code in an .npy file, or the beginning of one, to a picture.", decode, "array"),
    },
)
