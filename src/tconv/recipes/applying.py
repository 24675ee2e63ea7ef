"""What was trained, used on files: each is read, used and written by itself, and one that is broken stops no other."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError, SizeError
from ..files import whole_file, write_whole
from ..methods.channels import Array
from .pictures import KINDS, picture, png
from .recipe import Trained, Use

__all__ = ["Applied", "Job", "Kept", "apply", "found", "jobs", "kept"]

MOST_SAMPLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """One input: a file, or the number of a sample, and the beginning of its results' names."""

    source: Path | int
    stem: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one input.

    Args:
        job: which one.
        written: the files.
        says: in words.
        numbers: named results.
        beside: pictures for a sheet of all inputs.
        error: why there is no result; empty where there is one.
    """

    job: Job
    written: tuple[Path, ...] = ()
    says: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    beside: Sequence[Array] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """Files that no result may replace: inputs that lie where results go, and what was there when the work began."""

    inputs: frozenset[Path]
    there: frozenset[Path]


def kept(work: Sequence[Job], folder: Path, overwrite: bool) -> Kept:
    """What has to stay in a folder while these inputs are worked on."""
    place = folder.resolve()
    inputs = {job.source.resolve() for job in work if isinstance(job.source, Path)}
    there = () if overwrite or not place.is_dir() else place.iterdir()
    return Kept(frozenset(path for path in inputs if path.parent == place), frozenset(there))


def found(words: Sequence[str | Path], use: Use) -> list[Path]:
    """Files, the files in folders, and what patterns such as `scans/*.jpg` stand for, in order and each once.

    Raises:
        DataError: if a word stands for nothing.
    """
    kinds = (".npy",) if use.reads == "array" else KINDS
    paths: dict[Path, None] = {}
    for word in map(str, words):
        path = Path(word)
        if path.is_dir():
            here = sorted(one for one in path.rglob("*") if one.suffix.lower() in kinds and one.is_file())
        else:
            here = [path] if path.exists() else sorted(map(Path, glob.glob(word, recursive=True)))
        if not here:
            rule = f"holds no {kinds[0]} files or their like" if path.is_dir() else "there is no such file"
            raise DataError(f"{word}: {rule}; give files, folders or patterns in quotes.")
        paths |= dict.fromkeys(here)
    return list(paths)


def jobs(sources: Sequence[Path | int]) -> list[Job]:
    """A name for each input's results; files of the same name in different folders are told apart by a number.

    >>> [job.stem for job in jobs([Path("a/x.png"), Path("b/x.png"), 7])]
    ['x', 'x-2', 'sample-0007']
    """
    named: dict[str, Job] = {}
    for source in sources:
        stem = first = f"sample-{source:04}" if isinstance(source, int) else source.stem
        count = 1
        while stem in named:
            count += 1
            stem = f"{first}-{count}"
        named[stem] = Job(source, stem)
    return list(named.values())


def apply(use: Use, trained: Trained, work: Sequence[Job], folder: Path, *, invert: bool = False,
          overwrite: bool = False, protected: Kept | None = None) -> Iterator[Applied]:
    """Use a trained network on one input after another, and write each result whole.

    Args:
        use: what to do.
        trained: with what.
        work: the inputs.
        folder: where results go.
        invert: whether pictures are dark on light where the network knows light on dark.
        overwrite: whether results that are there may be replaced.
        protected: what has to stay; as `kept` finds it now, unless this work is a part of more.

    Yields:
        For each input what was written, or what was wrong with it.

    Raises:
        DataError: if the disk is full; that is no fault of the input.
    """
    run = use.open(trained)
    protected = protected or kept(work, folder, overwrite)
    for job in work:
        try:
            made = run(_read(use, job.source, invert))
            targets = {folder / (job.stem + end): content for end, content in made.files.items()}
            _check_free(targets, protected)
        except (DataError, ShapeError, SizeError) as error:
            yield Applied(job, error=str(error))
            continue
        for path, content in targets.items():
            _write(path, content)
        yield Applied(job, tuple(targets), made.says, made.numbers, made.beside)


def _read(use: Use, source: Path | int, invert: bool) -> Any:
    if isinstance(source, int):
        return source
    if use.reads == "array":
        return _array(source)
    pixels = picture(source, use.reads, paper="white" if invert else "black")
    return 255 - pixels if invert else pixels


def _array(path: Path) -> Array:
    try:
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error}); give a whole .npy file.") from None


def _check_free(targets: Mapping[Path, Any], protected: Kept) -> None:
    for path in targets:
        if path.resolve() in protected.inputs:
            raise DataError(f"{path}: is one of the files to read, and would be overwritten; give another folder with "
                            "-o.")
        if path.resolve() in protected.there:
            raise DataError(f"{path}: is there already; give another folder with -o, or --overwrite.")


def _write(path: Path, content: Array | str) -> None:
    if isinstance(content, str):
        write_whole(path, content)
    elif path.suffix == ".npy":
        with whole_file(path) as file:
            np.save(file, content)
    else:
        write_whole(path, png(content))
