"""The verbs, put together; each is imported when it is called, so that a quick one is not kept waiting."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from .options import typed

__all__ = ["VERBS", "app"]

# Modules here, in the help's order.
VERBS = ("explain", "solve", "convert", "studio", "train", "apply", "export", "inspect", "diagnose", "repair",
         "optimize", "bench", "info")


class Verbs(TyperGroup):
    """A command line whose verbs are modules of this room, each with `EXAMPLES` and a function, or an `app`, inside."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        module = import_module(f".{cmd_name}", __package__)
        inner = getattr(module, "app", None)
        if inner is None:
            inner = typer.Typer(add_completion=False, rich_markup_mode="rich")
            verb, options = getattr(module, cmd_name), getattr(module, "OPTIONS", None)
            inner.command(cmd_name, epilog=module.EXAMPLES)(typed(verb, options) if options else verb)
        command = typer.main.get_command(inner)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="tconv",
    help="Convolution and transposed convolution: understand, choose, train, run, check and mend.",
    cls=Verbs,
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
