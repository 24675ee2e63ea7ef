"""`tconv repair`: take the checkerboard out of a trained model, with before and after in figures and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from ..diagnose import Diagnosis
from ..diagnose.drawing import spectrum_svg
from ..errors import DataError, SettingError
from ..files import check_place, write_whole
from ..methods.channels import Array
from ..models.mend import mendable
from ..models.repair import WAYS, Repair
from ..models.repair import repair as mend
from ..recipes.pictures import KINDS, picture, picture_files, png
from .diagnose import as_data
from .words import out, sizes

__all__ = ["EXAMPLES", "repair"]

EXAMPLES = """Examples:\n
  tconv repair generator.onnx -o even.onnx --report before-and-after/\n
  tconv repair decoder.keras -o even.keras --inputs codes.npy\n
  tconv repair weights.pth -o even.pth --module generator.py:Generator --arguments "0, 3, 100, 64" --shape 100x1x1\n
  tconv repair upscaler.onnx -o even.onnx --inputs photographs/ --targets large.npy\n
  tconv repair generator.onnx -o even.onnx --how gains --layer /up/ConvTranspose
"""
SHOWN = 8


def repair(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="ONNX (.onnx), Keras (.keras), or a state dict of "
                                                                "PyTorch (.pt, .pth) with --module. Only read.")],
    path: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="Where the mended model goes; of the same "
                                                                          "kind.")],
    how: Annotated[str, typer.Option(help="; ".join(f"{name}: {said}" for name, said in WAYS.items()) + ".")] = "least",
    layer: Annotated[list[str] | None, typer.Option(help="Mend this layer, whatever comes of it; may be said again. "
                                                    "Else the last ones, as far as it helps.")] = None,
    inputs: Annotated[Path | None, typer.Option(metavar="PATH", help="Real inputs: an array (.npy), arrays by name "
                                                "(.npz), or a folder of pictures. Else normal noise.")] = None,
    targets: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="What should come out for these inputs, "
                                                 "channels last: the model's error is measured too.")] = None,
    shape: Annotated[str | None, typer.Option(metavar="100x1x1", help="Of one sample of the input, where the model "
                                              "leaves it open.")] = None,
    samples: Annotated[int, typer.Option(min=8, help="Results to look at; twice as many others are fitted to.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of random inputs.")] = 0,
    module: Annotated[str | None, typer.Option(metavar="FILE.py:NAME", help="The class or function that makes the "
                                               "PyTorch module; this code is run.")] = None,
    arguments: Annotated[str, typer.Option(help="What it is called with: numbers and texts, with commas.")] = "",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw results and spectra, before and after, "
                                                "here.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Change trained kernels as little as can be, so that their layers print no pattern.

    The last transposed convolution is mended first. A change that does not halve the pattern's energy is undone, and so
    is one that makes results less like those before than 30 decibels, by more than ten times the energy of the pattern.
    Figures are of inputs that the kernels were not fitted to.
    """
    _check_places(model, path, report, overwrite)
    subject = mendable(model, shape=sizes("--shape", shape), module=module, arguments=arguments)
    given = None if inputs is None else _inputs(inputs)
    found = mend(subject, way=how, layers=layer or (), samples=samples, seed=seed, inputs=given,
                 targets=None if targets is None else _array(targets))
    subject.save(path)
    drawn = [] if report is None else _report(found, report)
    if as_json:
        print(json.dumps(_data(found, model, path), indent=2))
        return
    _draw(out(), found)
    for place in (path, *drawn):
        out().print(f"written: {place}", markup=False, soft_wrap=True)


def _check_places(model: Path, path: Path, report: Path | None, overwrite: bool) -> None:
    if model.suffix != path.suffix:
        raise SettingError(f"--out: is {str(path)!r}, but the mended model is of the same kind as {model.name}; give a "
                           f"name ending in {model.suffix}.")
    if path.exists() and model.exists() and path.samefile(model):
        raise DataError(f"{path}: is the model itself, which is never touched; give another name with -o.")
    targets = [path, *(report / name for name in _NAMES)] if report else [path]
    for place in targets:
        if place.exists() and not overwrite:
            raise DataError(f"{place}: is there already; give another name, or --overwrite.")
    for folder in {place.parent for place in targets}:
        check_place(folder)


def _array(path: Path) -> Array:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error}); save it with numpy.save.") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise DataError(f"{path}: has to hold one array of numbers; save it with numpy.save.")
    return found


def _inputs(path: Path) -> dict[str, Array]:
    if path.is_dir():
        return {"x": np.stack(_alike(path)).astype(np.float32)}
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: cannot be read as arrays ({error}); save them with numpy.savez.") from None
    return {"x": _array(path).astype(np.float32)}


def _alike(folder: Path) -> list[Array]:
    """Pictures of one size, channels first, from 0 to 1."""
    found = [np.moveaxis(picture(path), -1, 0) / 255 for path in picture_files(folder) if path.suffix.lower() in KINDS]
    if len({one.shape for one in found}) > 1:
        raise DataError(f"{folder}: its pictures have several sizes ({found[0].shape[1:]}, ...); cut them to one, or "
                        "give an array (.npy).")
    return found


_NAMES = ("before-and-after.png", "spectrum-before.svg", "spectrum-after.svg", "repair.json")


def _report(found: Repair, folder: Path) -> list[Path]:
    written = []
    if found.results is not None and found.results[0].ndim == 4:
        written.append((folder / _NAMES[0], png(sheet(*found.results))))
    for name, diagnosis in zip(_NAMES[1:], (found.before, found.after)):
        if diagnosis is not None and diagnosis.spectrum.rank < 3:
            title = name.removesuffix(".svg").replace("-", " ")
            written.append((folder / name, spectrum_svg(diagnosis, title=title).encode()))
    written.append((folder / _NAMES[3], json.dumps(_data(found), indent=2).encode()))
    for path, content in written:
        write_whole(path, content)
    return [path for path, _ in written]


def sheet(before: Array, after: Array) -> Array:
    """Results before, after, and 16 times their difference about grey, as three rows of pixels three times as large."""
    low, high = before.min(), before.max()
    step = max(1, len(before) // SHOWN)
    old, new = ((each[::step][:SHOWN, ..., :3] - low) / max(high - low, 1e-30) for each in (before, after))
    rows = [old, new, 0.5 + 16 * (new - old)]
    pixels = np.rint(np.clip(np.stack(rows), 0, 1) * 255).astype(np.uint8)  # rows, samples, H, W, C
    pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] < 3 else pixels
    framed = np.pad(pixels[..., :3], ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    joined = np.concatenate([np.concatenate(list(row), axis=1) for row in framed], axis=0)
    return joined.repeat(3, axis=0).repeat(3, axis=1)


def _data(found: Repair, *places: Path) -> dict[str, Any]:
    return {
        **({"model": str(places[0]), "written": str(places[1])} if places else {}),
        "layers": [{"layer": one.where, "periods": list(one.periods), "unevenness": list(one.unevenness),
                    "moved": one.moved} for one in found.mended],
        "before": None if found.before is None else as_data(found.before),
        "after": None if found.after is None else as_data(found.after),
        "likeness": found.likeness if found.likeness != np.inf else None, "other_inputs": found.fresh,
        "errors": found.errors,
    }


def _draw(console: Console, found: Repair) -> None:
    if not found.mended:
        console.print("No layer was changed: " + ("no pattern was found in the results." if found.before and not
                      found.before.found else "nothing that was tried took the pattern out and left results alike."))
    for one in found.mended:
        gone = f", periods {', '.join(map(str, one.periods))} taken out" if one.periods else ""
        console.print(f"{one.where}: kernel moved by {one.moved:.2%} of its length{gone}", markup=False)
    if found.before is not None and found.after is not None:
        console.print(_table(found.before, found.after))
    if found.likeness is not None and found.likeness != np.inf:
        console.print(f"results are like those before to {found.likeness:.1f} dB (peak signal-to-noise ratio)"
                      + ("" if found.fresh else "; they are of the inputs that the kernels were fitted to"))
    if found.errors is not None:
        before, after = found.errors
        verdict = "[red]WORSE[/]" if after > before else "no worse"
        console.print(f"mean squared error {before:.6g} before, {after:.6g} after: {verdict}")


def _table(before: Diagnosis, after: Diagnosis) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("period", "above natural, before", "after", "deviations before", "after"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for old, new in zip(before.periods, after.periods, strict=True):
        table.add_row(str(old.period), f"{old.excess:.3g}", f"{new.excess:.3g}", f"{old.deviations:.1f}",
                      f"{new.deviations:.1f}", _verdict(old.found, new.found))
    return table


def _verdict(before: bool, after: bool) -> str:
    return {(True, False): "[green]gone[/]", (True, True): "[yellow]still found[/]", (False, True): "[red]NEW[/]",
            (False, False): "none"}[before, after]
