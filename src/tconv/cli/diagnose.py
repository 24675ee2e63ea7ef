"""`tconv diagnose`: whether pictures or sound repeat with the stride of a layer."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from ..diagnose import Diagnosis, Period, diagnosis
from ..diagnose.drawing import spectrum_svg
from ..errors import DataError, SettingError
from ..files import check_place, write_whole
from ..methods.channels import Array
from ..recipes.pictures import KINDS, picture, picture_files
from .words import numbers, out

__all__ = ["EXAMPLES", "diagnose", "samples_in"]

EXAMPLES = """Examples:\n
  tconv diagnose generated/*.png\n
  tconv diagnose generated/ --against photographs/ -o spectrum.svg\n
  tconv diagnose spoken.wav --period 8,64 -o spectrum.svg\n
  tconv diagnose faces.npy --period 2,4 --json           an array (N, H, W, C)
"""


def diagnose(
    files: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Pictures, WAV files, arrays (.npy, channels "
                                                                          "last), or folders of pictures.")],
    period: Annotated[str, typer.Option(help="Periods to look for, in samples: the layers' strides, and products of "
                                             "them.")] = "2,4,8",
    against: Annotated[Path | None, typer.Option(metavar="PATH", help="Real pictures or sound, looked at in the same "
                                                 "way and shown beside.")] = None,
    path: Annotated[Path | None, typer.Option("--out", "-o", metavar="SVG", help="Draw the spectrum here.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Look for a checkerboard in pictures, or for tones at the stride in sound.

    Power at the multiples of 1 / period is set against that of the frequencies around, and its deviation against those
    of the samples' own other frequencies. Photographs that were made smaller stay within about 3 deviations; 4 and more
    count as found.
    """
    periods = numbers("period", period) or ()
    if path is not None:
        _check_free(path, [*files, *([against] if against else [])], overwrite)
    found = diagnosis(samples_in(files), periods=periods)
    real = None if against is None else diagnosis(samples_in([against]), periods=periods)
    if path is not None:
        write_whole(path, spectrum_svg(found, title=_title(files)))
    if as_json:
        print(json.dumps(as_data(found) | ({} if real is None else {"against": as_data(real)}), indent=2))
        return
    _draw(out(), found, real)
    if path is not None:
        out().print(f"spectrum: {path}", markup=False, soft_wrap=True)


def samples_in(files: Sequence[Path]) -> list[Array]:
    """Every picture or sound in some files and folders, channels last.

    Raises:
        DataError: if a file is missing, or none of what is read.
    """
    found: list[Array] = []
    for file in files:
        for path in picture_files(file) if file.is_dir() else [file]:
            found += _read(path)
    return found


def _read(path: Path) -> list[Array]:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return list(stack(path))
    if suffix == ".wav":
        return [_sound(path)]
    if suffix not in KINDS and path.is_file():
        raise DataError(f"{path}: is no picture ({', '.join(KINDS)}), WAV file or array (.npy); give one of these.")
    return [picture(path) / 255.0]


def stack(path: Path) -> Array:
    """An array that NumPy saved.

    Raises:
        DataError: if the file is no such array of numbers.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error}); save it with numpy.save.") from None
    if not isinstance(found, np.ndarray) or found.ndim < 3 or found.dtype.kind not in "fiu":
        raise DataError(f"{path}: holds {getattr(found, 'dtype', 'several arrays')} of shape "
                        f"{getattr(found, 'shape', '')}, but has to be numbers of shape (N, *S, C).")
    return found


def _sound(path: Path) -> Array:
    """A WAV file of 16 bits, `(T, C)`, from -1 to 1."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise DataError(f"{path}: has {8 * file.getsampwidth()} bits a sample; convert it to 16.")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (wave.Error, EOFError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read as sound ({error}); give a WAV file of PCM samples.") from None
    return samples / 32768.0


def _check_free(path: Path, files: Sequence[Path], overwrite: bool) -> None:
    if path.suffix != ".svg":
        raise SettingError(f"--out: is {str(path)!r}, but the spectrum is drawn as SVG; give a name ending in .svg.")
    if any(path.resolve() == file.resolve() for file in files):
        raise DataError(f"{path}: is to be read, and would be overwritten; give another name with -o.")
    if path.exists() and not overwrite:
        raise DataError(f"{path}: is there already; give another name with -o, or --overwrite.")
    check_place(path.parent)


def _title(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1:,} more"


def as_data(found: Diagnosis) -> dict[str, Any]:
    """What was found, for a program to read."""
    return {"patches": found.spectrum.patches, "patch": list(found.spectrum.power.shape),
            "periods": [_row(period) for period in found.periods]}


def _row(period: Period) -> dict[str, Any]:
    return {"period": period.period, "found": bool(period.found), "energy": period.energy, "natural": period.natural,
            "excess": period.excess, "deviations": period.deviations,
            "peaks": [{"frequency": list(map(str, peak.frequency)), "power": peak.power, "natural": peak.natural,
                       "deviations": peak.deviations} for peak in period.peaks]}


def _draw(console: Console, found: Diagnosis, real: Diagnosis | None) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("period", "energy", "natural", "ratio", "deviations", *(["against"] if real else []), "strongest at"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for period in found.periods:
        beside = [] if real is None else [f"{real.period(period.period).deviations:.1f}"]
        best = period.peaks[0]
        table.add_row(str(period.period), f"{period.energy:.3g}", f"{period.natural:.3g}",
                      f"{period.energy / period.natural:.2f}", f"{period.deviations:.1f}", *beside,
                      ", ".join(map(str, best.frequency)), _verdict(period))
    console.print(table)
    patch = "x".join(map(str, found.spectrum.power.shape))
    console.print(f"{found.spectrum.patches:,} patches of {patch}; frequencies in cycles per sample, one for each axis",
                  style="dim")


def _verdict(period: Period) -> str:
    return "[red]a pattern[/]" if period.found else "[green]as in nature[/]"
