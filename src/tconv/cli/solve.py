"""`tconv solve`: every setting that leads from one size to another, judged, in every framework's words."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from .. import geometry
from ..errors import SettingError
from ..geometry import Setting
from .codes import Choice, as_data, say
from .words import numbers, out, sizes

__all__ = ["EXAMPLES", "solve"]

EXAMPLES = """Examples:\n
  tconv solve 7x7 28x28\n
  tconv solve 25x25 50x51 --channels 256,128 --batch 8\n
  tconv solve 224x224 112x112 --conv --pick 2\n
  tconv solve 8 32 --kernel 8,16 --stride 4 --all-code\n
  tconv solve "16x16 -> 64x64" --json
"""
COLOURS = {"holes": "red", "uneven": "yellow", "beyond": "yellow", "shifted": "green", "even": "green"}


def solve(
    given: Annotated[str, typer.Argument(metavar="FROM", help="Sizes that go in, as 7x7; or both, as '7x7 -> 28x28'.")],
    wanted: Annotated[str | None, typer.Argument(metavar="TO", help="Sizes that should come out, as 28x28.")] = None,
    conv: Annotated[bool, typer.Option("--conv", help="Settings of a convolution, from larger to smaller sizes.")]
        = False,
    kernel: Annotated[str | None, typer.Option(help="Only these kernel sizes, as 3,4,5.")] = None,
    stride: Annotated[str | None, typer.Option(help="Only these strides.")] = None,
    dilation: Annotated[str, typer.Option(help="Only these dilations.")] = "1",
    groups: Annotated[int, typer.Option(min=1, help="Groups of channels.")] = 1,
    channels: Annotated[str | None, typer.Option(help="Channels in and out, as 256,128: they go into the cost and the "
                                                      "code.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Images in the cost.")] = 1,
    rows: Annotated[int, typer.Option(min=1, help="How many settings to show.")] = 12,
    pick: Annotated[int, typer.Option(min=1, help="Which of them to write in each framework's words.")] = 1,
    all_code: Annotated[bool, typer.Option("--all-code", help="Write every shown setting, not only the picked one.")]
        = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all settings, with their code, as JSON.")] = False,
) -> None:
    """Find the settings that lead from one size to another, the best first, with what each costs and its code.

    Each is judged: uneven overlap invites a checkerboard, holes get nothing but the bias. Where a framework has no
    words for a setting, an exactly equal layer is written.
    """
    small, large = _both(given, wanted, conv)
    tried = {"kernels": numbers("kernel", kernel), "strides": numbers("stride", stride),
             "dilations": numbers("dilation", dilation)}
    tried = {name: value for name, value in tried.items() if value}
    _check_axes(small, large, tried, conv)
    found = geometry.settings(small, large, groups=groups, **tried)  # type: ignore[arg-type]
    if pick > len(found):
        raise SettingError(f"solve: pick is {pick}, but there are {len(found)} settings.")
    choice = Choice(small, not conv, _channels(channels, groups), batch)
    if as_json:
        print(json.dumps(_data(choice, large, found), indent=2))
        return
    _draw(out(), choice, large, found, rows, pick, all_code)


def _both(given: str, wanted: str | None, conv: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The coarse and the fine sizes."""
    if wanted is None:
        given, arrow, wanted = given.replace("→", "->").partition("->")
        if not arrow:
            raise SettingError(f"solve: FROM is {given!r}, and TO is missing; give the sizes that should come out, as "
                               "in 7x7 28x28.")
    first, second = sizes("FROM", given.strip()), sizes("TO", wanted.strip())
    return (second, first) if conv else (first, second)  # type: ignore[return-value]


def _check_axes(small: tuple[int, ...], large: tuple[int, ...], tried: dict[str, Any], conv: bool) -> None:
    """Refuse what no setting of these leads to, and say on which axis."""
    for number, (found, a, b) in enumerate(zip(geometry.solve(small, large, **tried), small, large, strict=True)):
        ends = (b, a) if conv else (a, b)
        if not found and tried.keys() <= {"dilations"} and b < a:
            raise SettingError(f"solve: {ends[0]} to {ends[1]} on axis {number} goes the other way; "
                               f"{'leave --conv out' if conv else 'a convolution makes it smaller: add --conv'}.")
        if not found:
            raise SettingError(f"solve: nothing that was tried leads from {ends[0]} to {ends[1]} on axis {number}; "
                               "allow other kernels or strides.")


def _channels(text: str | None, groups: int) -> tuple[int, int] | None:
    found = numbers("channels", text)
    if found is None:
        return None
    if len(found) != 2 or min(found) < 1:
        raise SettingError(f"channels: is {text!r}, but has to be two numbers >= 1, those in and those out, as in "
                           "256,128.")
    if any(count % groups for count in found):
        raise SettingError(f"channels: {text} do not fall into {groups} groups; take numbers that {groups} divides.")
    return found  # type: ignore[return-value]


def _data(choice: Choice, large: tuple[int, ...], found: tuple[Setting, ...]) -> dict[str, Any]:
    given, wanted = choice.ends(large)
    return {"direction": "transposed" if choice.transposed else "convolution", "from": given, "to": wanted,
            "channels": choice.channels, "batch": choice.batch, "settings": [as_data(choice, one) for one in found]}


def _draw(console: Console, choice: Choice, large: tuple[int, ...], found: tuple[Setting, ...], rows: int, pick: int,
          all_code: bool) -> None:
    given, wanted = choice.ends(large)
    kind = "transposed convolution" if choice.transposed else "convolution"
    console.print(_table(f"{_by(given)} to {_by(wanted)} by a {kind}", choice, found[:rows], pick))
    if len(found) > rows:
        console.print(f"and {len(found) - rows} more: --rows {len(found)} shows them", style="dim")
    for number in range(1, min(rows, len(found)) + 1) if all_code else [pick]:
        console.print(f"\nsetting {number} in each framework's words", style="bold")
        say(console, choice, found[number - 1])


def _table(title: str, choice: Choice, found: tuple[Setting, ...], pick: int) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("", "kernel", "stride", "dilation", "crop" if choice.transposed else "padding", "overlap",
                 *choice.headings):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for number, setting in enumerate(found, start=1):
        axes, overlap = setting.spec.axes, [":".join(map(str, one.overlap)) for one in setting.solutions]
        columns: tuple[list[Any], ...] = (
            [a.kernel for a in axes], [a.stride for a in axes], [a.dilation for a in axes],
            [f"{a.lo},{a.hi}" for a in axes], overlap)
        verdict = f"[{COLOURS[setting.kind]}]{setting.verdict(transposed=choice.transposed)}[/]"
        table.add_row(str(number), *map(_alike, columns), *choice.costs(setting), verdict,
                      style="bold" if number == pick else "")
    return table


def _alike(values: list[Any]) -> str:
    """One value where all axes agree, else all of them."""
    return str(values[0]) if len(set(values)) == 1 else "  ".join(map(str, values))


def _by(values: tuple[int, ...]) -> str:
    return "x".join(map(str, values))
