"""Convolutional autoencoders for small pictures: to copy, compress, denoise, fill, colour, and to tell what is unusual.

The plainest one has three convolutions in and three transposed convolutions out. Its grid shrinks 28, 26, 24, 22 and
grows back 24, 26, 28, because a transposed convolution returns the size that a convolution of the same setting took.
"""

from __future__ import annotations

from dataclasses import replace

from ..recipe import Recipe
from . import anomaly, colorize, compress, denoise, inpaint, reconstruct
from .networks import narrow, network
from .settings import Settings

__all__ = ["RECIPE", "Settings", "narrow", "network"]

TASKS = {module.__name__.rpartition(".")[2]: module.TASK
         for module in (reconstruct, compress, denoise, inpaint, colorize, anomaly)}

RECIPE: Recipe = replace(
    reconstruct.TASK,
    says="Learn to give pictures back: as they are, smaller, cleaner, whole, in colour, or to tell which are unusual.",
    tasks=TASKS,
    examples={
        "": "",
        "--limit 2000 --epochs 3 --batch-size 100": "a quick try",
        "--data my-digits/ --filters 16,8": "",
        "--task compress --code 2,4,8,16,32": "quality against the size of the code, beside PCA",
        "--task denoise --sigma 0.3": "",
        "--task anomaly --digit 8": "nine digits are normal; the tenth gives itself away",
        "--task anomaly --digit 8 --sense target": "the eights alone are learned, and found among the others",
        "--resume runs/autoencoder-20260101-120000": "",
    },
)
