"""`tconv info`: what is installed, and which way a convolution takes here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from .. import engine
from ..report import faces, machine, versions
from .words import out

__all__ = ["EXAMPLES", "info"]

EXAMPLES = """Example:\n
  tconv info --json
"""


def info(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """Say versions, machine, threads, and which operations run on the engine. No framework is imported."""
    here, has, ways = machine(), versions(), faces()
    if as_json:
        print(json.dumps({"versions": has, "machine": asdict(here), "compiled": engine.available(),
                          "bfloat16": engine.half_isa(), "winograd": engine.winograd(),
                          "split": engine.split(),
                          "faces": [asdict(face) for face in ways]}, indent=2))
        return
    console = out()
    part = "compiled part" if engine.available() else "portable package, without the compiled part"
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (("engine", part), ("instructions", here.isa), ("bfloat16 by", engine.half_isa()),
                        ("threads", str(here.threads)),
                        ("Winograd's tiles", "where they win" if engine.winograd() else "not used"),
                        ("bfloat16 parts", "where they win" if engine.split() else "not used"),
                        ("processor", here.cpu), ("cores", str(here.cores)), ("system", here.system)):
        table.add_row(name, value)
    table.add_section()
    for name, value in has.items():
        table.add_row(name, value)
    table.add_section()
    for face in ways:
        table.add_row(face.name, face.runs, style=None if face.installed else "dim")
    console.print(table)
