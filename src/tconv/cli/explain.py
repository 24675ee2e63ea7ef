"""`tconv explain`: a layer's numbers, step by step, as text, picture, animation, page or spreadsheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingError
from ..explain.asked import Asked, told
from ..explain.render import RENDERERS, THEMES, known, render, summary_text
from ..explain.stories import VIEWS
from ..files import write_whole

__all__ = ["EXAMPLES", "explain"]

EXAMPLES = """Examples:\n
  tconv explain --input 2x2 --kernel 2x2 --stride 2\n
  tconv explain --input "1 2; 3 4" --kernel "[[0, 1], [1, 0]]" --view collect\n
  tconv explain --input 4x4 --kernel 3x3 --conv --view matrix\n
  tconv explain --input 5x5 --keras "Conv2DTranspose(1, 3, strides=2, padding='same')" --view summary\n
  tconv explain --input 3x3 --kernel 3x3 --stride 2 --padding 1 -o stamps.gif
"""


def explain(
    input: Annotated[str, typer.Option("--input", "-i", help="A size as 4x4, values as '1 2; 3 4' or [[1, 2], [3, 4]], "
                                                             "or an image file.")] = "2x2",
    kernel: Annotated[str | None, typer.Option("--kernel", "-k", help="A size as 3x3, or values. [default: 3 taps on "
                                                                      "each axis]", show_default=False)] = None,
    stride: Annotated[str | None, typer.Option(help="Samples: 2, or 2,1 by axis.")] = None,
    padding: Annotated[str | None, typer.Option(help="Samples: 1, or 1,0 by axis, or 0:1 for start and end; or same, "
                                                     "valid. It crops a transposed convolution.")] = None,
    output_padding: Annotated[str | None, typer.Option(help="Samples less to crop at the end.")] = None,
    dilation: Annotated[str | None, typer.Option(help="Samples from tap to tap.")] = None,
    groups: Annotated[int | None, typer.Option(help="Groups of channels; each has one here.")] = None,
    conv: Annotated[bool, typer.Option("--conv", help="The convolution instead of the transposed one.")] = False,
    keras: Annotated[str | None, typer.Option(help="The layer in Keras' words.")] = None,
    torch: Annotated[str | None, typer.Option(help="The layer in PyTorch's words.")] = None,
    view: Annotated[str | None, typer.Option(help=f"{', '.join(VIEWS)}. [default: distribute; collect with --conv]",
                                             show_default=False)] = None,
    form: Annotated[str | None, typer.Option("--as", help=f"{', '.join(RENDERERS)}. [default: as the file's name "
                                                          "says, else text]", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.")] = None,
    cell: Annotated[str | None, typer.Option(help="The result's cell for --view cell, as 1,2.")] = None,
    channel: Annotated[int, typer.Option(help="The result's channel.")] = 0,
    step: Annotated[int | None, typer.Option(help="Only this step, from 1.")] = None,
    theme: Annotated[str, typer.Option(help=f"{', '.join(THEMES)}.")] = "auto",
) -> None:
    """Show what a transposed convolution, or a convolution, does with every number.

    Six views agree: stamps that are added, a window that slides, a matrix, small layers that interleave, one cell, and
    the overlap; and the gradients.
    """
    asked = Asked(input, kernel, stride, padding, output_padding, dilation, groups, conv, keras, torch)
    form = form or _by_name(out)
    known("as", form, RENDERERS)
    view = view or ("collect" if asked.ordinary else "distribute")
    known("view", view, VIEWS)
    if view == "summary" and form == "text":
        _hand_over(summary_text(asked.summary(), sys.stdout.isatty() and out is None), form, out)
        return
    made = render(told(asked), view, form, channel=channel, cell=_cell(cell), step=_step(step), theme=theme,
                  colour=sys.stdout.isatty() and out is None)
    _hand_over(made, form, out)


def _by_name(out: Path | None) -> str:
    """The form that a file's name says."""
    if out is None:
        return "text"
    forms = {renderer.suffix: name for name, renderer in RENDERERS.items()}
    suffix = out.suffix.lstrip(".").lower()
    if suffix not in forms:
        raise SettingError(f"out: {out} says by its name no form that can be written; end it in one of "
                           f".{', .'.join(forms)}, or add --as.")
    return forms[suffix]


def _cell(text: str | None) -> tuple[int, ...] | None:
    from .words import numbers

    return numbers("cell", text)


def _step(step: int | None) -> int | None:
    if step is not None and step < 1:
        raise SettingError(f"step: is {step}, but steps count from 1.")
    return None if step is None else step - 1


def _hand_over(made: str | bytes, form: str, out: Path | None) -> None:
    """Write the file, or print what a terminal can show."""
    if out is not None:
        write_whole(out, made)
        print(f"{out}: {RENDERERS[form].says}, {_size(out.stat().st_size)}.")
    elif isinstance(made, str):
        print(made, end="")
    elif sys.stdout.isatty():
        raise SettingError(f"as: {form} is no text that a terminal could show; say where to with -o NAME."
                           f"{RENDERERS[form].suffix}.")
    else:
        sys.stdout.buffer.write(made)


def _size(count: int) -> str:
    return f"{count:,} bytes" if count < 10_000 else f"{count / 1000:,.0f} kB"
