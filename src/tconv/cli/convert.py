"""`tconv convert`: a layer of one framework in another's words, with a proof."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..conventions import CONVENTIONS, Conversion
from ..conventions.convert import convert as converted
from ..errors import SettingError
from ..proof import Proof, Side
from ..proof import prove as proved
from .migrate import migrate as migrated
from .words import out, sizes

__all__ = ["EXAMPLES", "convert"]

EXAMPLES = """Examples:\n
  tconv convert "keras Conv2DTranspose(64, 3, strides=2, padding='same')" --to torch\n
  tconv convert "torch.nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)" --to onnx --json\n
  tconv convert "keras Conv2D(32, 3, strides=2, padding='same')" --to torch --sizes 28x28\n
  tconv convert "torch Conv1d(8, 16, 5, groups=2)" --to tensorflow --no-prove\n
  tconv convert old.keras --migrate -o new.keras
"""
UNEQUAL = 1


def convert(
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="The framework and the layer, as one writes it; with "
                                                              "--migrate a Keras file.")],
    to: Annotated[str | None, typer.Option(help="The framework to write it for.")] = None,
    input_sizes: Annotated[str | None, typer.Option("--sizes", help="Sizes that go in, as 7x7, where the layer depends "
                                                                    "on them.")] = None,
    prove: Annotated[bool, typer.Option("--prove/--no-prove", help="Run both layers, where they are installed, on "
                                                                   "whole numbers, and compare.")] = True,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring a model that was trained with Keras on PyTorch "
                                          "before 3.15.0 to mean what it meant.")] = False,
    path: Annotated[Path | None, typer.Option("--out", "-o", metavar="NEW.keras", help="Where the migrated model "
                                              "goes.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Write a convolution or a transposed convolution in another framework's words, exactly, and prove it.

    Where those words do not reach, an exactly equal layer is written, with what to do to the kernel or the result.
    """
    if migrate:
        _alone(to, input_sizes)
        migrated(Path(layer), path, overwrite, as_json)
        return
    if to is None or path is not None:
        raise SettingError("--to: is wanted, one of " + ", ".join(CONVENTIONS) + "." if to is None else
                           f"--out: is {str(path)!r}, but a layer is printed; it goes with --migrate only.")
    found = converted(layer, to, sizes=sizes("sizes", input_sizes))
    proof = proved(found) if prove else None
    if as_json:
        print(json.dumps(_data(found, proof), indent=2))
    else:
        _say(out(), found, proof)
    if proof is not None and not proof.equal:
        sys.exit(UNEQUAL)


def _alone(to: str | None, input_sizes: str | None) -> None:
    """With a model to migrate, what says how to write a layer has no meaning."""
    for name, value in (("--to", to), ("--sizes", input_sizes)):
        if value is not None:
            raise SettingError(f"{name}: is {value!r}, but --migrate stays with Keras and takes no sizes; leave it "
                               "out.")


def _data(found: Conversion, proof: Proof | None) -> dict[str, Any]:
    return {
        "source": found.source.name, "target": found.target.name, "read": found.said, "code": found.code,
        "exact": found.exact, "alternative": found.alternative, "kernel": list(found.kernel_lines),
        "program": list(found.program), "run": found.target.run, "notes": list(found.notes),
        "spec": asdict(found.spec), "output": found.output, "proof": None if proof is None else {
            **asdict(proof), "equal": proof.equal, "complete": proof.complete},
    }


def _say(console: Console, found: Conversion, proof: Proof | None) -> None:
    def line(text: str, style: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True, style=style)

    line(found.code, "bold")
    if not found.target.run:
        line(f"As the documentation of {found.target.name} says; not run.")
    if found.alternative:
        line(f"To be exact: {found.alternative}.")
    for note in found.notes:
        line(note)
    if found.output is not None:
        line(f"Output size {'x'.join(map(str, found.output))}.")
    if found.program or found.kernel_lines:
        line("\nAs a program, from the kernel of the layer that was read:")
        for text in found.program or found.kernel_lines:
            line(f"  {text}", "dim")
    if proof is not None:
        line("")
        _say_proof(line, found, proof)


def _say_proof(line: Any, found: Conversion, proof: Proof) -> None:
    bias = "" if proof.bias is None else f", bias {proof.bias}"
    line(f"Proof: x {proof.x}, kernel {proof.kernel}{bias}; whole numbers from {-proof.most} to {proof.most}.", "bold")
    wide = max(len(side.version) for side in proof.sides) + 2
    for side in proof.sides:
        line(f"  {side.version:{wide}}{_result(side)}")
    for package, cure in proof.missing.items():
        line(f"  {package} is not installed, so its side was not run: {cure}")
    line(_verdict(found, proof), "bold" if proof.equal else "bold red")


def _result(side: Side) -> str:
    if side.problem:
        return f"could not run it: {side.problem}"
    own = "" if side.name == "tconv" else f"  largest difference {side.difference:g}"
    return f"{side.shape!s:24}  {side.seconds:4.1f} s{own}"


def _verdict(found: Conversion, proof: Proof) -> str:
    if not proof.equal:
        return "NOT equal: see the largest differences. Please do not use this conversion."
    ran = [side.version for side in proof.sides if side.difference is not None and side.name != "tconv"]
    idle = [row.name for row, part in ((found.source, "read"), (found.target, "written"))
            if part not in {side.part for side in proof.sides if side.difference is not None}]
    left = "" if not idle else f" {' and '.join(idle)} {'was' if len(idle) == 1 else 'were'} not run."
    if not ran:
        return f"Nothing is proved:{left}"
    together = ", ".join(ran) + " and tconv"
    return f"Equal: {together} give the same {proof.compared:,} numbers ({proof.seconds:.1f} s).{left}"
