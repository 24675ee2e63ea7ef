"""`tconv apply`: use what was trained."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..errors import SettingError
from ..files import check_place, write_whole
from ..recipes import Recipe, Use, recipe_of, restore
from ..recipes.applying import Applied, found, jobs
from ..recipes.applying import apply as applied
from ..recipes.cluster import apply_on_ray
from ..report import png, sheet
from .progress import counting
from .words import err, out

__all__ = ["EXAMPLES", "apply"]

SHEET = "side-by-side.png"
MOST_IN_A_SHEET = 32
SOME_BROKEN = 1
EXAMPLES = """Examples:\n
  tconv apply runs/mine digit.png -o seen/\n
  tconv apply runs/mine scans/ 'more/*.jpg' -o seen/ --invert     dark ink on white paper\n
  tconv apply runs/gan --samples 64 -o made/\n
  tconv apply runs/small digits/ -o codes/ --encode\n
  tconv apply runs/small codes/ -o back/ --decode
"""


def apply(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a training wrote.")],
    folder: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go.")],
    inputs: Annotated[list[str] | None, typer.Argument(metavar="INPUTS...", help="Files, folders, or patterns in "
                                                                                 "quotes.")] = None,
    use: Annotated[str | None, typer.Option("--as", metavar="NAME", help="What to do; an unknown name lists what the "
                                            "run can.", show_default="what it was trained for")] = None,
    encode: Annotated[bool, typer.Option("--encode", help="The same as --as encode.")] = False,
    decode: Annotated[bool, typer.Option("--decode", help="The same as --as decode.")] = False,
    samples: Annotated[int | None, typer.Option(metavar="N", help="Make so many, where there is nothing to read.")]
    = None,
    invert: Annotated[bool, typer.Option(help="For dark on light, where the network knows light on dark.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier call.")] = False,
    backend: Annotated[str | None, typer.Option(help="Framework under Keras.", show_default="as trained")] = None,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Share the work out over a Ray cluster: HOST:PORT, "
                                            '"auto" for the one here, "local" for this machine\'s cores.')] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, one line each.")] = False,
) -> None:
    """Use a trained network on files of your own: reconstruct, upscale, segment, generate.

    A file that is broken is named and passed over, and the exit code is 1.
    """
    recipe = recipe_of(run)
    name = _use(recipe, use or ("encode" if encode else "decode" if decode else None))
    chosen = recipe.uses[name]
    sources = _samples(samples, inputs) if chosen.reads == "nothing" else _files(chosen, inputs, samples)
    check_place(folder)
    work = jobs(sources)
    if ray is not None:
        results = apply_on_ray(ray, run, name, work, folder, backend=backend, invert=invert, overwrite=overwrite)
    else:
        results = applied(chosen, restore(run, backend=backend)[1], work, folder, invert=invert, overwrite=overwrite)
    done = []
    with counting(err(), len(sources)) as count:
        for one in results:
            count()
            _tell(one, as_json)
            done.append(one)
    _lay_out(done, folder)
    broken = [one for one in done if one.error]
    if broken:
        err().print(f"{len(broken)} of {len(done)} inputs gave nothing: "
                    f"{', '.join(str(one.job.source) for one in broken)}", markup=False, soft_wrap=True)
        sys.exit(SOME_BROKEN if len(broken) < len(done) else 2)


def _use(recipe: Recipe, name: str | None) -> str:
    if name is not None and name not in recipe.uses:
        known = "; ".join(f"{known}: {use.says}" for known, use in recipe.uses.items())
        raise SettingError(f"apply: a run of {recipe.name} has no {name!r}; it has {known}")
    return name or next(iter(recipe.uses))


def _samples(count: int | None, inputs: list[str] | None) -> list[Any]:
    if inputs or count is None or count < 1:
        raise SettingError("apply: what this run does needs no inputs, but how many to make: --samples 16.")
    return list(range(count))


def _files(use: Use, inputs: list[str] | None, samples: int | None) -> list[Any]:
    if not inputs or samples is not None:
        raise SettingError("apply: give files, folders or patterns to read; --samples is for runs that make pictures "
                           "of nothing.")
    return found(inputs, use)


def _tell(one: Applied, as_json: bool) -> None:
    written = [str(path) for path in one.written]
    if as_json:
        print(json.dumps({"input": str(one.job.source), "written": written, "error": one.error, **one.numbers}))
    elif one.error:
        err().print(one.error, markup=False, soft_wrap=True)
    else:
        out().print(f"{one.job.source} -> {', '.join(written)}  {one.says}", markup=False, soft_wrap=True)


def _lay_out(done: list[Applied], folder: Path) -> None:
    """One picture of all results, where they are small and of one size."""
    shown = [one.beside for one in done if len(one.beside)][:MOST_IN_A_SHEET]
    if not shown or len({tuple(image.shape for image in row) for row in shown}) > 1:
        return
    write_whole(folder / SHEET, png(sheet(*map(np.stack, zip(*shown, strict=True)))))
    err().print(f"side by side: {folder / SHEET}", markup=False, soft_wrap=True)
