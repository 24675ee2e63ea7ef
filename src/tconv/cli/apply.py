"""`tconv apply`: use what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ..errors import DataError
from ..files import check_place, write_whole
from ..methods.channels import Array
from ..recipes.autoencoder import as_input, restore
from ..recipes.data import greys
from ..report import png, sheet
from .words import out

__all__ = ["EXAMPLES", "apply"]

SHEET = "side-by-side.png"
EXAMPLES = """Examples:\n
  tconv apply runs/mine digit.png -o seen/\n
  tconv apply runs/mine scans/*.jpg -o seen/ --invert     dark ink on white paper
"""


def apply(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a training wrote.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Pictures of any size; made grey and "
                                                                           "28x28.")],
    folder: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go.")],
    invert: Annotated[bool, typer.Option(help="For dark digits on light paper; MNIST is light on dark.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier call.")] = False,
    backend: Annotated[str | None, typer.Option(help="Framework under Keras.", show_default="as trained")] = None,
) -> None:
    """Reconstruct your own pictures with a trained autoencoder.

    Writes one PNG of 28x28 for each picture, and a sheet with all of them above their reconstructions.
    """
    targets = [*_names(images, folder), folder / SHEET]
    _check_free(images, targets, overwrite)
    seen = greys(images, invert=invert)
    check_place(folder)
    settings, model = restore(run, backend=backend)
    made = _reconstructed(model, seen, settings.batch_size)
    for path, pixels in zip(targets, [*made, sheet(seen, made)], strict=True):
        write_whole(path, png(pixels))
    error = np.square(seen / 255.0 - made / 255.0).mean(axis=(1, 2))
    for image, path, distance in zip(images, targets, error, strict=False):
        out().print(f"{image} -> {path}  mean squared difference {distance:.5f}", markup=False, soft_wrap=True)
    out().print(f"all side by side: {targets[-1]}", markup=False, soft_wrap=True)


def _names(images: list[Path], folder: Path) -> list[Path]:
    """A name for each result; pictures of the same name in different folders are told apart by a number."""
    names: list[str] = []
    for image in images:
        name, count = f"{image.stem}-reconstructed.png", 1
        while name in names or name == SHEET:
            count += 1
            name = f"{image.stem}-{count}-reconstructed.png"
        names.append(name)
    return [folder / name for name in names]


def _check_free(images: list[Path], targets: list[Path], overwrite: bool) -> None:
    inputs = {image.resolve() for image in images}
    for path in targets:
        if path.resolve() in inputs:
            raise DataError(f"{path}: is one of the pictures to read, and would be overwritten; give another folder "
                            "with -o.")
        if path.exists() and not overwrite:
            raise DataError(f"{path}: is there already; give another folder with -o, or --overwrite.")


def _reconstructed(model: object, images: Array, batch: int) -> Array:
    parts = [np.asarray(model.predict_on_batch(as_input(images[at : at + batch])))  # type: ignore[attr-defined]
             for at in range(0, len(images), batch)]
    return np.rint(np.concatenate(parts)[..., 0] * 255).astype(np.uint8)
