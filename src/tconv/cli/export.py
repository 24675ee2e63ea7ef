"""`tconv export`: a trained network as a file that others run without this package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import DataError, SettingError
from ..recipes import restore
from ..recipes.export import FORMATS
from ..recipes.export import export as exported
from .words import out

__all__ = ["EXAMPLES", "export"]

EXAMPLES = """Examples:\n
  tconv export runs/mine --to onnx\n
  tconv export runs/mine --to keras -o mine.keras\n
  tconv export runs/mine --to savedmodel -o served/
"""


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a training wrote.")],
    to: Annotated[str, typer.Option(metavar="|".join(FORMATS), help="The format.")],
    target: Annotated[Path | None, typer.Option("--out", "-o", metavar="PATH", help="Where it goes.",
                                                show_default="RUN/model, in the format's way")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace what an earlier call wrote.")] = False,
    backend: Annotated[str | None, typer.Option(help="Framework under Keras.", show_default="as trained")] = None,
) -> None:
    """Write a trained network with stock operations only, and check that the file gives the same numbers."""
    if to not in FORMATS:
        raise SettingError(f"export: to is {to!r}, but has to be one of {', '.join(FORMATS)}.")
    path = target or run / {"onnx": "model.onnx", "keras": "stock.keras", "savedmodel": "savedmodel"}[to]
    if path.exists() and not (overwrite and path.is_file()):
        raise DataError(f"{path}: is there already; give another --out{', or --overwrite' if path.is_file() else ''}.")
    if FORMATS[to].end and path.suffix != FORMATS[to].end:
        raise SettingError(f"export: out is {path}, but the name of such a file has to end in {FORMATS[to].end}.")
    _, trained = restore(run, backend=backend)
    done = exported(trained.model, path, to)
    out().print(f"{done.path}: gives the same numbers, to {done.difference:.0e} of the largest", markup=False,
                soft_wrap=True)
