"""`tconv repair`: take the checkerboard out of a trained model, with before and after in figures and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ..diagnose.smoothing import BLURS
from ..errors import DataError, SettingError
from ..files import check_place
from ..methods.channels import Array
from ..models.exchange import KINDS as REPLACEMENTS
from ..models.exchange import Exchange
from ..models.mend import mendable
from ..models.repair import WAYS
from ..models.repair import repair as mend
from ..models.smooth import Blur
from ..models.tune import Tuning
from ..recipes.pictures import KINDS, picture, picture_files
from .progress import counting
from .repair_report import NAMES, as_data, draw
from .repair_report import report as draw_report
from .words import err, out, sizes

__all__ = ["EXAMPLES", "repair"]

EXAMPLES = """Examples:\n
  tconv repair generator.onnx -o even.onnx --report before-and-after/\n
  tconv repair decoder.keras -o even.keras --inputs codes.npy\n
  tconv repair weights.pth -o even.pth --module generator.py:Generator --arguments "0, 3, 100, 64" --shape 100x1x1\n
  tconv repair upscaler.onnx -o even.onnx --inputs photographs/ --targets large.npy\n
  tconv repair generator.onnx -o even.onnx --how gains --layer /up/ConvTranspose\n
  tconv repair generator.onnx -o soft.onnx --smooth tent\n
  tconv repair generator.onnx -o shuffled.onnx --replace subpixel --layer /up/ConvTranspose\n
  tconv repair upscaler.keras -o even.keras --inputs small.npy --targets large.npy --fine-tune 200
"""

_REPLACE = ("In place of mending, put other layers where --layer is (ONNX): "
            + "; ".join(f"{name}: {said}" for name, said in REPLACEMENTS.items()) + ".")


def repair(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="ONNX (.onnx), Keras (.keras), or a state dict of "
                                                                "PyTorch (.pt, .pth) with --module. Only read.")],
    path: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="Where the mended model goes; of the same "
                                                                          "kind.")],
    how: Annotated[str, typer.Option(help="; ".join(f"{name}: {said}" for name, said in WAYS.items()) + ".")] = "least",
    smooth: Annotated[str | None, typer.Option(metavar="BLUR", help="In place of mending, fold a blur into the last "
                                               "layer: box, the mean of as many samples as the period has, or tent, "
                                               "that twice. The pattern is gone for every input, and sharpness with "
                                               "it.")] = None,
    period: Annotated[int | None, typer.Option(min=2, help="Of the blur, in samples of the layer's result; the layer's "
                                               "stride if not given.")] = None,
    replace: Annotated[str | None, typer.Option(metavar="KIND", help=_REPLACE)] = None,
    fine_tune: Annotated[int, typer.Option("--fine-tune", min=0, metavar="STEPS", help="After mending, tune the mended "
                                           "kernels so many steps towards --targets, or the model's own earlier "
                                           "results; kept only if better. Keras and PyTorch.")] = 0,
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
    Figures are of inputs that the kernels were not fitted to. --smooth and --replace do something else instead of
    mending, and --fine-tune comes after it; all are measured by the same figures.
    """
    _check_places(model, path, report, overwrite)
    instead = _instead(smooth, period, replace, how, layer)
    _check_tuning(fine_tune, model, instead)
    subject = mendable(model, shape=sizes("--shape", shape), module=module, arguments=arguments)
    given = None if inputs is None else _inputs(inputs)
    wanted = None if targets is None else _array(targets)
    with counting(err(), fine_tune) as advance:
        tuning = Tuning(fine_tune, seed=seed, told=lambda step, loss: advance()) if fine_tune else None
        found = mend(subject, way=how, layers=layer or (), samples=samples, seed=seed, inputs=given, targets=wanted,
                     instead=instead, tuning=tuning)
    subject.save(path)
    drawn = [] if report is None else draw_report(found, report)
    if as_json:
        print(json.dumps(as_data(found, model, path), indent=2))
        return
    draw(out(), found)
    for place in (path, *drawn):
        out().print(f"written: {place}", markup=False, soft_wrap=True)


def _check_places(model: Path, path: Path, report: Path | None, overwrite: bool) -> None:
    if model.suffix != path.suffix:
        raise SettingError(f"--out: is {str(path)!r}, but the mended model is of the same kind as {model.name}; give a "
                           f"name ending in {model.suffix}.")
    if path.exists() and model.exists() and path.samefile(model):
        raise DataError(f"{path}: is the model itself, which is never touched; give another name with -o.")
    targets = [path, *(report / name for name in NAMES)] if report else [path]
    for place in targets:
        if place.exists() and not overwrite:
            raise DataError(f"{place}: is there already; give another name, or --overwrite.")
    for folder in {place.parent for place in targets}:
        check_place(folder)


def _instead(smooth: str | None, period: int | None, replace: str | None, how: str, layers: list[str] | None,
             ) -> Blur | Exchange | None:
    """What is asked for in place of mending."""
    if smooth is None and period is not None:
        raise SettingError(f"--period: is {period}, but is of a blur; give --smooth box too.")
    given = [words for words, said in ((f"--smooth {smooth}", smooth), (f"--replace {replace}", replace),
                                       (f"--how {how}", how != "least")) if said]
    if len(given) > 1:
        raise SettingError(f"{given[0]}: stands in place of mending, but {given[1]} was given too; leave one out.")
    if smooth is not None and smooth not in BLURS:
        raise SettingError(f"--smooth: is {smooth!r}, but has to be one of {', '.join(BLURS)}.")
    if replace is not None and replace not in REPLACEMENTS:
        raise SettingError(f"--replace: is {replace!r}, but has to be one of {', '.join(REPLACEMENTS)}.")
    if replace and not layers:
        raise SettingError(f"--replace: {replace} of which layer? Give --layer; tconv inspect lists them.")
    return Blur(smooth, period) if smooth else Exchange(replace) if replace else None


def _check_tuning(steps: int, model: Path, instead: Blur | Exchange | None) -> None:
    if steps and instead is not None:
        raise SettingError("--fine-tune: tunes mended kernels, but nothing is mended beside --smooth and --replace; "
                           "leave one out.")
    if steps and model.suffix == ".onnx":
        raise SettingError(f"--fine-tune: {model.name} is an ONNX model, which is only run; give the Keras or PyTorch "
                           "model that it was exported from, and export that again.")


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
