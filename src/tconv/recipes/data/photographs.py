"""Colour photographs as installed packages carry them: their files are read, the packages are never imported."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from ...errors import DataError
from ...methods.channels import Array
from ..pictures import picture

__all__ = ["CURE", "installed", "photographs"]

CARRIED = {
    "scikit-learn": ("china.jpg", "flower.jpg"),
    "scikit-image": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
}
CURE = "pip install --no-deps scikit-image scikit-learn (their files are read, their code is not run)"


def photographs() -> dict[str, Array]:
    """By name, uint8 `(H, W, 3)`, those that are there.

    Raises:
        DataError: if there are none, with how to get them.
    """
    found = {Path(name).stem: picture(path) for package, names in CARRIED.items()
             for name, path in installed(package, names).items()}
    if not found:
        raise DataError(f"data: there are no photographs on this machine; {CURE}.")
    return found


def installed(package: str, names: tuple[str, ...]) -> dict[str, Path]:
    """Where files of a package lie, by name; those that are not there are left out."""
    try:
        files = {file.name: Path(str(file.locate())) for file in metadata.files(package) or []}
    except metadata.PackageNotFoundError:
        return {}
    return {name: files[name] for name in names if name in files and files[name].is_file()}
