"""Images to train on: MNIST as it is installed, or the user's own."""

from __future__ import annotations

from pathlib import Path

from ...errors import DataError
from .digits import SIDE, Digits, first
from .idx import idx_digits, is_idx, read_idx
from .images import grey, greys, image_digits
from .npz import npz_digits
from .packages import installed_digits

__all__ = ["SIDE", "Digits", "first", "grey", "greys", "idx_digits", "image_digits", "installed_digits", "load",
           "npz_digits", "read_idx"]


def load(path: str | Path | None = None) -> Digits:
    """Images from a file or folder, or MNIST as it is installed.

    Args:
        path: an idx file (plain or .gz), a folder with MNIST's two image files, `mnist.npz`, or a folder of pictures.

    Raises:
        DataError: if that is missing, of another kind, damaged, or empty.
    """
    if path is None:
        return installed_digits()
    path = Path(path)
    if path.is_dir():
        stored = path / "mnist.npz"
        return idx_digits(path) or (npz_digits(stored) if stored.is_file() else image_digits(path))
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder; give MNIST's idx files, mnist.npz, or a folder of "
                        "images.")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: is empty; fetch it again.")
    if path.suffix == ".npz":
        return npz_digits(path)
    if is_idx(path):
        return idx_digits(path)  # type: ignore[return-value]
    raise DataError(f"{path}: is of no kind that is known here; give an idx file (plain or .gz), mnist.npz, or a "
                    "folder of images.")
