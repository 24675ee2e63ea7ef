"""The verbs, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from . import apply, convert, info, solve, studio, train

__all__ = ["app"]

app = typer.Typer(
    name="tconv",
    help="Convolution and transposed convolution: understand, choose, train, run, check and mend.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tconv {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and "
                                                                                              "stop.")] = False,
) -> None:
    """Convolution and transposed convolution: understand, choose, train, run, check and mend."""


app.add_typer(train.app, name="train")
app.command("apply", epilog=apply.EXAMPLES)(apply.apply)
app.command("solve", epilog=solve.EXAMPLES)(solve.solve)
app.command("convert", epilog=convert.EXAMPLES)(convert.convert)
app.command("studio", epilog=studio.EXAMPLES)(studio.studio)
app.command("info", epilog=info.EXAMPLES)(info.info)
