"""`tconv inspect`: every upsampling layer of a model, what it costs, what is wrong with it, and the cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import SettingError
from ..files import write_whole
from ..models import Inspected, Inspection
from ..models import inspect as inspected
from ..models.words import Advice, advice, grid, many, named, overlap, pattern, portable, said, setting, span, through
from .words import out, sizes

__all__ = ["EXAMPLES", "inspect"]

EXAMPLES = """Examples:\n
  tconv inspect generator.onnx\n
  tconv inspect detector.onnx --shape 1x3x736x736\n
  tconv inspect segmentation.keras --all --html segmentation.html\n
  tconv inspect vocoder.onnx --shape input=1x50 --json
"""
COLOURS = {"fault": "red", "risk": "yellow", "waste": "cyan", "hint": "green"}
WIDEST = 20
LEGEND = """useful: multiply-adds that reach the result; executed: those of one matrix product at the coarse size
taps: that meet in each phase; pattern: of a flat input, beside its mean; sees: a cell of the model's output, of it"""
MOST = 8  # layers in a line


def inspect(
    model: Annotated[Path, typer.Argument(help="An ONNX file, a Keras file, or a program of torch.export (.pt2).")],
    shape: Annotated[list[str] | None, typer.Option(
        help="The input's sizes, batch included, as 1x3x224x224; NAME=1x3x224x224 where there are several inputs, or "
             "for a value whose sizes depend on the data. May be given again.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show plain convolutions too.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page of all of it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show every upsampling layer of a trained model: what it does and costs, its checkerboard, where else it runs.

    Costs are exact: only products that reach the result are counted. Each finding comes with its cure. The model is
    read, not run, and never changed.
    """
    found = inspected(model, shape=_shapes(shape), every=every)
    if html is not None:
        from ..report.models import page

        write_whole(html, page(found))
    if as_json:
        print(json.dumps(found.json(), indent=2))
    else:
        _draw(out(), found)
    if html is not None and not as_json:
        print(f"{html}: a page of all of it")


def _shapes(texts: list[str] | None) -> dict[str, tuple[int, ...]] | None:
    found: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, _, said = text.rpartition("=")
        if name in found:
            raise SettingError(f"shape: {name or text} is given twice; name each input once.")
        found[name] = sizes("shape", said) or ()
    return found or None


def _draw(console: Console, found: Inspection) -> None:
    console.print(f"[bold]{escape(found.model.source)}[/]  {said(found)}", soft_wrap=True)
    if not found.layers:
        console.print("It has no convolution and no upsampling layer.")
    else:
        console.print(_table(found))
        console.print(LEGEND, style="dim", soft_wrap=True)
    if through(found):
        console.print(escape(through(found)), soft_wrap=True)
    for note in found.notes:
        console.print(f"[yellow]{escape(note)}[/]", soft_wrap=True)
    for line in portable(found):
        console.print(escape(line), soft_wrap=True)
    for one in advice(found):
        _say(console, one)


def _say(console: Console, one: Advice) -> None:
    """What is so, of which layers, and what to do."""
    names = [f"{where} {amount}".strip() for where, amount in one.layers]
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    console.print(f"\n[{COLOURS[one.level]}]{one.level}[/]  {escape(one.says)}", soft_wrap=True)
    console.print(f"      {escape(', '.join(names[:MOST]))}{more}", style="bold", soft_wrap=True)
    for cure in one.cures:
        console.print(f"      cure: {escape(cure)}", soft_wrap=True)


def _table(found: Inspection) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    table.add_column("what", no_wrap=True)
    for name in ("sizes", "channels", "useful", "executed", "taps", "pattern", "sees"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in found.layers:
        table.add_row(*_row(layer))
    if len(found.layers) > 1:
        table.add_section()
        table.add_row("together", "", "", "", many(found.total("multiply_adds")), many(found.executed("columns")),
                      style="bold")
    return table


def _row(layer: Inspected) -> list[str]:
    fact = layer.fact
    bad = {finding.kind for finding in layer.findings}
    ins, outs = fact.channels
    return [escape(_ending(named(fact.where, fact.says))), setting(fact), f"{grid(fact.input)} to {grid(fact.output)}",
            f"{ins or '?'} to {outs or '?'}", many(fact.multiply_adds) if fact.spec else "",
            many(fact.executed.get("columns")) if fact.spec else "", _marked(overlap(fact), "overlap" in bad),
            _marked(pattern(layer), "gains" in bad), span(layer.seen)]


def _marked(text: str, bad: bool) -> str:
    return f"[yellow]{text}[/]" if bad and text else text


def _ending(where: str) -> str:
    """The end of a place, which tells layers apart."""
    return where if len(where) <= WIDEST else "…" + where[1 - WIDEST:]
