"""`tconv optimize`: an ONNX model rewritten to an equal and faster one, verified on inputs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from ..errors import DataError, MissingExtra, SettingError
from ..files import check_place, write_whole
from .words import err, out, sizes

__all__ = ["EXAMPLES", "optimize"]

EXAMPLES = """Examples:\n
  tconv optimize decoder.onnx -o faster.onnx\n
  tconv optimize decoder.onnx -o faster.onnx --shape image=1x3x256x256 --threads 1\n
  tconv optimize voice.onnx -o faster.onnx --input ids=ids.npy --input scales=scales.npy\n
  tconv optimize decoder.onnx -o even.onnx --only auto-pad,output-padding,zero-tap\n
  tconv optimize --passes
"""


def optimize(
    model: Annotated[Path | None, typer.Argument(metavar="MODEL.onnx", help="The model; it is only read.")] = None,
    path: Annotated[Path | None, typer.Option("--out", "-o", metavar="OUT", help="Where the rewritten model goes.")]
        = None,
    given: Annotated[list[str] | None, typer.Option("--input", metavar="NAME=FILE", help="What to run it on: an array "
                                                    "as NumPy saves it (.npy). Random numbers else.")] = None,
    shape: Annotated[list[str] | None, typer.Option(metavar="NAME=1x3x64x64", help="The shape of an input whose sizes "
                                                    "the model leaves open.")] = None,
    only: Annotated[str | None, typer.Option(metavar="NAMES", help="Only these passes, with commas between.")] = None,
    without: Annotated[str | None, typer.Option(metavar="NAMES", help="All but these.")] = None,
    also: Annotated[str | None, typer.Option("--with", metavar="NAMES", help="These too, which are only done where "
                                             "asked for.")] = None,
    measure: Annotated[bool, typer.Option(help="Keep what is faster here; otherwise do all that can be done.")] = True,
    threads: Annotated[int, typer.Option(min=0, help="Of ONNX Runtime; 0: as many as it takes by itself.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.01, help="To measure one place, about.")] = 0.6,
    tolerance: Annotated[float, typer.Option(min=0, help="How far an output may be from the original's, as a share of "
                                             "its largest number.")] = 1e-4,
    seed: Annotated[int, typer.Option(min=0, help="Of random inputs.")] = 0,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    passes: Annotated[bool, typer.Option("--passes", help="List the passes and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Rewrite an ONNX model to one that computes the same, faster on this machine.

    Each place is timed in ONNX Runtime as it is and as it could be, and the faster is kept; the whole is compared with
    the original on the inputs. A model that differs is not written.
    """
    rewrite = _rewriting()
    if passes:
        out().print(_passes(rewrite.PASSES))
        return
    source, target = _places(model, path, overwrite)
    settings = rewrite.Settings(
        passes=_chosen(rewrite.PASSES, only, without, also), measure=measure, threads=threads, seconds=seconds,
        tolerance=tolerance, seed=seed, told=lambda step: None if as_json else _tell(err(), step))
    found = rewrite.optimize_apart(source, inputs=_arrays(given or []), shapes=_shapes(shape or []), settings=settings)
    write_whole(target, found.model.SerializeToString())
    if as_json:
        print(json.dumps(_data(found, source, target), indent=2))
        return
    _draw(out(), found, source, target)


def _rewriting() -> Any:
    try:
        from ..models import rewrite
    except ModuleNotFoundError as error:
        raise MissingExtra("optimize", error.name or "onnx", "onnx") from None
    return rewrite


def _places(model: Path | None, path: Path | None, overwrite: bool) -> tuple[Path, Path]:
    if model is None:
        raise SettingError("optimize: MODEL.onnx is missing; give the model to rewrite.")
    if path is None:
        raise SettingError("optimize: --out is missing; say where the rewritten model goes, as in -o faster.onnx.")
    if path.exists() and model.exists() and path.samefile(model):
        raise DataError(f"{path}: is the model itself, which is never touched; give another name with -o.")
    if path.exists() and not overwrite:
        raise DataError(f"{path}: is there already; give another name with -o, or --overwrite.")
    check_place(path.parent)
    return model, path


def _chosen(known: Any, only: str | None, without: str | None, also: str | None) -> list[str] | None:
    names = only.split(",") if only is not None else [name for name, one in known.items() if one.when != "where it is "
                                                      "asked for"]
    names += also.split(",") if also else []
    left_out = without.split(",") if without else []
    for name in (*names, *left_out):
        if name not in known:
            raise SettingError(f"optimize: {name!r} is no pass; there are {', '.join(known)}.")
    return [name for name in names if name not in left_out]


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise SettingError(f"{option}: is {text!r}, but has to be the name of an input, = and a value.")
    return name, value


def _shapes(texts: list[str]) -> dict[str, tuple[int, ...]]:
    found = {}
    for text in texts:
        name, value = _pair("--shape", text)
        shape = sizes("--shape", value) or ()
        if min(shape) < 1:
            raise SettingError(f"--shape: is {text!r}, but sizes are >= 1.")
        found[name] = shape
    return found


def _arrays(texts: list[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        name, value = _pair("--input", text)
        try:
            array = np.load(value, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{value}: cannot be read as an array ({error}); save it with numpy.save.") from None
        if not isinstance(array, np.ndarray):
            raise DataError(f"{value}: holds several arrays; save the one for {name!r} with numpy.save.")
        found[name] = array
    return found


def _tell(console: Console, step: Any) -> None:
    if step.gain:
        console.print(f"{step.name}: {step.where}: {_verdict(step)}", markup=False, soft_wrap=True, style="dim")


def _verdict(step: Any) -> str:
    times = f", {step.gain:.2f} times as fast" if step.gain else ""
    return f"{step.way}{times}" if step.kept else f"left as it is: {step.why}{times and ' (' + times[2:] + ')'}"


def _passes(known: Any) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("pass", "what it does", "when"):
        table.add_column(name)
    for one in known.values():
        table.add_row(one.name, one.says, one.when)
    return table


def _draw(console: Console, found: Any, source: Path, target: Path) -> None:
    kept = [step for step in found.steps if step.kept]
    table = Table(box=None, pad_edge=False)
    for name, justify in (("pass", "left"), ("layer", "left"), ("now", "left"), ("faster", "right")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in _rows(kept):
        table.add_row(*row)
    console.print(table if kept else f"Nothing to do: the result is a copy of {source}.", soft_wrap=not kept)
    left = len(found.steps) - len(kept)
    if left:
        console.print(f"{left} more place{'s' * (left > 1)} left as {'they are' if left > 1 else 'it is'}", style="dim")
    for line in (*_facts(found), f"written: {target}"):
        console.print(line, soft_wrap=True, markup=False)


def _rows(kept: list[Any]) -> list[tuple[str, str, str, str]]:
    """A row for each step that was timed, and one for all alike of those that were not."""
    alike: dict[tuple[str, str, float | None], dict[str, None]] = {}
    for step in kept:
        alike.setdefault((step.name, step.way, step.gain), {})[step.where] = None
    return [(name, _several(list(where)), way, f"{gain:.2f}" if gain else "")
            for (name, way, gain), where in alike.items()]


def _several(where: list[str]) -> str:
    return where[0] if len(where) == 1 else f"{where[0]} and {len(where) - 1} more"


def _facts(found: Any) -> list[str]:
    lines = list(found.notes)
    if found.sizes:
        lines.append(f"largest difference {found.difference.largest:.3g}, {found.difference.relative:.3g} of the "
                     f"largest number, on {'; '.join(found.sizes)}")
    if found.gain:
        lines.append(f"{found.before * 1e3:.2f} ms before, {found.after * 1e3:.2f} ms now: {found.gain:.2f} times as "
                     "fast")
    return lines


def _data(found: Any, source: Path, target: Path) -> dict[str, Any]:
    return {"model": str(source), "out": str(target), "changed": found.changed, "seconds": [found.before, found.after],
            "gain": found.gain, "difference": asdict(found.difference), "inputs": found.sizes, "notes": found.notes,
            "steps": [asdict(step) | {"gain": step.gain} for step in found.steps]}
