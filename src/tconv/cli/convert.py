"""`tconv convert`: a layer of one framework in another's words."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from ..conventions.convert import convert as converted
from .words import out, sizes

__all__ = ["EXAMPLES", "convert"]

EXAMPLES = """Examples:\n
  tconv convert "keras Conv2DTranspose(64, 3, strides=2, padding='same')" --to torch\n
  tconv convert "torch.nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)" --to onnx --json
"""


def convert(
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="The framework and the layer, as one writes it.")],
    to: Annotated[str, typer.Option(help="The framework to write it for.")],
    input_sizes: Annotated[str | None, typer.Option("--sizes", help="Sizes that go in, as 7x7, where the layer says "
                                                                    "an output size.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Write a transposed convolution in another framework's words, exactly.

    Where those do not reach, an exactly equal layer is written, with what to do to the kernel or the result.
    """
    found = converted(layer, to, sizes=sizes("sizes", input_sizes))
    if as_json:
        print(json.dumps(asdict(found), indent=2, default=str))
        return
    console = out()
    console.print(found.code, markup=False, soft_wrap=True, style="bold")
    if found.alternative:
        console.print(f"To be exact: {found.alternative}.", markup=False, soft_wrap=True)
    for note in found.notes:
        console.print(note, markup=False, soft_wrap=True)
    if found.fine is not None:
        console.print(f"Output size {'x'.join(map(str, found.fine))}.", markup=False)
