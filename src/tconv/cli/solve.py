"""`tconv solve`: every setting that leads from one size to another, judged, in every framework's words."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from .. import geometry
from ..conventions.convention import Channels, Convention
from ..conventions.table import CONVENTIONS
from ..errors import SettingError, UnsupportedError
from ..geometry import Solution, Spec
from .words import numbers, out, sizes

__all__ = ["EXAMPLES", "solve"]

EXAMPLES = """Examples:\n
  tconv solve 7x7 28x28\n
  tconv solve 8 32 --kernel 8,16 --stride 4\n
  tconv solve 5x5 10x10 --pick 2 --json
"""


def solve(
    coarse: Annotated[str, typer.Argument(metavar="COARSE", help="Sizes that go in, as 7x7.")],
    fine: Annotated[str, typer.Argument(metavar="FINE", help="Sizes that should come out, as 28x28.")],
    kernel: Annotated[str | None, typer.Option(help="Only these kernel sizes, as 3,4,5.")] = None,
    stride: Annotated[str | None, typer.Option(help="Only these strides.")] = None,
    dilation: Annotated[str, typer.Option(help="Only these dilations.")] = "1",
    rows: Annotated[int, typer.Option(min=1, help="How many settings to show.")] = 12,
    pick: Annotated[int, typer.Option(min=1, help="Which of them to write in each framework's words.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print all settings as JSON.")] = False,
) -> None:
    """Find the settings of a transposed convolution that lead from one size to another, the best first.

    Each is judged: uneven overlap invites a checkerboard, holes get nothing but the bias.
    """
    small, large = sizes("coarse", coarse), sizes("fine", fine)
    tried = {"kernels": numbers("kernel", kernel), "strides": numbers("stride", stride),
             "dilations": numbers("dilation", dilation)}
    found = geometry.solve(small, large, **{name: value for name, value in tried.items() if value})  # type: ignore[arg-type]
    for number, (solutions, a, b) in enumerate(zip(found, small, large, strict=True)):  # type: ignore[arg-type]
        if not solutions:
            raise SettingError(f"solve: nothing that was tried leads from {a} to {b} on axis {number}; allow other "
                               "kernels or strides.")
        if pick > len(solutions):
            raise SettingError(f"solve: pick is {pick}, but there are {len(solutions)} settings on axis {number}.")
    picked = Spec(tuple(solutions[pick - 1].axis for solutions in found))
    words = {name: _words(row, picked, small) for name, row in CONVENTIONS.items() if row.code}  # type: ignore[arg-type]
    if as_json:
        axes = [[{**asdict(one.axis), "overlap": one.overlap, "verdict": one.verdict} for one in solutions]
                for solutions in found]
        print(json.dumps({"coarse": small, "fine": large, "axes": axes, "pick": pick, "words": words}, indent=2))
        return
    _draw(out(), small, large, found, rows, pick, words)  # type: ignore[arg-type]


def _words(row: Convention, spec: Spec, coarse: tuple[int, ...]) -> str:
    try:
        return row.code(row.write(spec, coarse), Channels(), spec)  # type: ignore[misc]
    except UnsupportedError as error:
        return f"not in its words: {error}"


def _draw(console: Console, coarse: tuple[int, ...], fine: tuple[int, ...], found: Any, rows: int, pick: int,
          words: dict[str, str]) -> None:
    pairs = list(zip(coarse, fine, strict=True))
    for pair in dict.fromkeys(pairs):
        axes = [str(number) for number, other in enumerate(pairs) if other == pair]
        where = f" on {'axis' if len(axes) == 1 else 'axes'} {' and '.join(axes)}" if len(pairs) > 1 else ""
        console.print(_table(f"{pair[0]} to {pair[1]}{where}", found[pairs.index(pair)], rows, pick))
    table = Table(title=f"setting {pick} in each framework's words", title_justify="left", box=None, pad_edge=False)
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("", overflow="fold")
    for name, said in words.items():
        table.add_row(name, said)
    console.print(table)


def _table(title: str, solutions: tuple[Solution, ...], rows: int, pick: int) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("", "kernel", "stride", "dilation", "crop", "overlap"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for number, solution in enumerate(solutions[:rows], start=1):
        axis = solution.axis
        colour = "red" if solution.holes else "green" if solution.even and axis.lo >= 0 <= axis.hi else "yellow"
        table.add_row(str(number), str(axis.kernel), str(axis.stride), str(axis.dilation), f"{axis.lo}, {axis.hi}",
                      ":".join(map(str, solution.overlap)), f"[{colour}]{solution.verdict}[/]",
                      style="bold" if number == pick else "")
    if len(solutions) > rows:
        table.caption = f"and {len(solutions) - rows} more; --rows shows them"
    return table
