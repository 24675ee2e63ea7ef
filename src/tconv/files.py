"""Files that are either there whole, or as they were before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import DataError

__all__ = ["check_place", "whole_file", "write_whole"]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write beside `path`, and put the result in its place when all of it is on the disk.

    Whatever happens on the way, power failure included, `path` holds the old content or the new.

    Raises:
        DataError: if the place cannot be written, or the disk is full.
    """
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        kept = "what was there before is still whole" if path.exists() else "nothing was there before"
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); {kept}. Make room, or choose another "
                        "folder.") from None
    finally:
        _remove(beside)


def check_place(folder: Path) -> None:
    """Make a folder and see that it can be written, before any work is done for it.

    Raises:
        DataError: if it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error}); choose another folder.") from None


def write_whole(path: Path, content: bytes | str) -> None:
    """Put this content there, whole."""
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder could not be written in the first place; that is what the caller is told.
        return
