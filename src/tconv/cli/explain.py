"""`tconv explain`: a layer's numbers, step by step, as text, picture, animation, page or spreadsheet.

With a model, a layer of it and a picture: what the layer's features answered to.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

from ..errors import SettingError
from ..explain.asked import Asked, told
from ..explain.render import RENDERERS, THEMES, known, render, summary_text
from ..explain.stories import VIEWS
from .options import Option

__all__ = ["EXAMPLES", "OPTIONS", "explain"]

EXAMPLES = """Examples:\n
  tconv explain --input 2x2 --kernel 2x2 --stride 2\n
  tconv explain --input "1 2; 3 4" --kernel "[[0, 1], [1, 0]]" --view collect\n
  tconv explain --input 4x4 --kernel 3x3 --conv --view matrix\n
  tconv explain --input 5x5 --keras "Conv2DTranspose(1, 3, strides=2, padding='same')" --view summary\n
  tconv explain --input 3x3 --kernel 3x3 --stride 2 --padding 1 -o stamps.gif\n
  tconv explain digits.keras --layer conv2d_1 --image seven.png -o answers.png
"""

OPTIONS = (
    Option("model", (), "A trained convnet, .keras, .pt2 or .onnx, to be run backwards from --layer to the pixels of "
                        "--image."),
    Option("layer", ("--layer",), "With a MODEL: the convolution, by its name."),
    Option("feature", ("--feature",), "With a MODEL: the feature, from 0; without it the strongest ones.", int),
    Option("image", ("--image",), "With a MODEL: the picture that it sees, as 0 to 1."),
    Option("input", ("--input", "-i"), "A size as 4x4, values as '1 2; 3 4' or [[1, 2], [3, 4]], or an image file.",
           default="2x2"),
    Option("kernel", ("--kernel", "-k"), "A size as 3x3, or values; without it 3 taps on each axis."),
    Option("stride", ("--stride", "-s"), "Samples: 2, or 2,1 by axis."),
    Option("padding", ("--padding", "-p"), "Samples: 1, or 1,0 by axis, or 0:1 for start and end; or same, or valid. "
                                           "It crops a transposed convolution."),
    Option("output_padding", ("--output-padding",), "Samples less to crop at the end."),
    Option("dilation", ("--dilation", "-d"), "Samples from tap to tap."),
    Option("groups", ("--groups",), "Groups of channels; each has one channel here.", int),
    Option("conv", ("--conv",), "The convolution, and not the transposed one.", bool, False),
    Option("keras", ("--keras",), "The layer in Keras' words: Conv2DTranspose(1, 3, strides=2)."),
    Option("torch", ("--torch",), "The layer in PyTorch's words: ConvTranspose2d(1, 1, 3, stride=2)."),
    Option("view", ("--view",), f"{', '.join(VIEWS)}; without it distribute, or collect with --conv."),
    Option("form", ("--as",), f"{', '.join(RENDERERS)}; without it what the file's name says, or text."),
    Option("out", ("--out", "-o"), "The file to write."),
    Option("cell", ("--cell",), "The result's cell for --view cell, as 1,2."),
    Option("channel", ("--channel",), "The result's channel.", int, 0),
    Option("step", ("--step",), "Only this step, counted from 1.", int),
    Option("theme", ("--theme",), f"{', '.join(THEMES)}.", default="auto"),
)


def explain(
    *, view: str | None, form: str | None, out: str | None, cell: str | None, channel: int, step: int | None,
    theme: str, model: str | None = None, layer: str | None = None, feature: int | None = None,
    image: str | None = None, **said: Any,
) -> None:
    """Show what a transposed convolution, or a convolution, does with every number.

    Distributing, collecting, the matrix and the phases give the same result; a cell tells what made it, the overlap how
    many products meet, and the gradients run the layer backwards. With a MODEL: what in a picture its features answered
    to.
    """
    if (model, layer, feature, image) != (None, None, None, None):
        from .deconvnet import answered

        answered(model, layer, feature, image, out)
        return
    asked = Asked(**said)
    path = None if out is None else Path(out)
    form = form or _by_name(path)
    view = view or ("collect" if asked.ordinary else "distribute")
    known("as", form, RENDERERS)
    known("view", view, VIEWS)
    colour = path is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    made = summary_text(asked.summary(), colour) if (view, form) == ("summary", "text") else render(
        told(asked), view, form, channel=channel, cell=_cell(cell), step=_step(step), theme=theme, colour=colour)
    _hand_over(made, form, path)
    _say_channels(asked, view)


def _say_channels(asked: Asked, view: str) -> None:
    """A remark where a layer was spelled with more channels than are drawn."""
    (ins, outs), groups = asked.layer.channels, asked.layer.problem.groups
    if view != "summary" and (ins, outs) != (groups, groups):
        print(f"Shown with {groups} channel{'s' * (groups > 1)} on either side; the layer has {ins} and {outs}, which "
              "--view summary counts.", file=sys.stderr)


def _by_name(out: Path | None) -> str:
    """The form that a file's name says."""
    if out is None:
        return "text"
    forms = {renderer.suffix: name for name, renderer in RENDERERS.items()}
    suffix = out.suffix.lstrip(".").lower()
    if suffix not in forms:
        raise SettingError(f"out: {str(out)!r} says by its name no form that can be written; end it in one of "
                           f".{', .'.join(forms)}, or add --as.")
    return forms[suffix]


def _cell(text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(part) for part in text.strip("()").split(","))
    except ValueError:
        raise SettingError(f"cell: is {text!r}, but has to be whole numbers with commas between, as in 1,2.") from None


def _step(step: int | None) -> int | None:
    if step is not None and step < 1:
        raise SettingError(f"step: is {step}, but steps count from 1.")
    return None if step is None else step - 1


def _hand_over(made: str | bytes, form: str, out: Path | None) -> None:
    """Write the file, or print what a terminal can show."""
    if out is not None:
        from ..files import write_whole

        write_whole(out, made)
        print(f"{out}: {RENDERERS[form].says}, {len(made if isinstance(made, bytes) else made.encode()):,} bytes.")
    elif isinstance(made, str):
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that has no × shows a question mark
        print(made, end="", flush=True)
    elif sys.stdout.isatty():
        raise SettingError(f"as: {form} is no text that a terminal could show; say where to with -o NAME."
                           f"{RENDERERS[form].suffix}.")
    else:
        sys.stdout.buffer.write(made)
