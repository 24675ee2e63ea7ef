"""The command `tconv`: one thin file for each verb."""

from __future__ import annotations

import os
import sys

from ..errors import MissingExtra, TconvError
from .stop import WRONG

__all__ = ["main"]


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        _app()
    except (TconvError, MissingExtra) as error:
        _say(str(error))
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _say(f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}.")


def _app() -> None:
    if sys.argv[1:2] == ["explain"]:  # importing Typer takes longer than a small explanation
        from . import explain, options

        said = options.plain(explain.OPTIONS, sys.argv[2:])
        if said is not None:
            explain.explain(**said)
            return
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        raise MissingExtra("tconv", error.name, "cli") from None
    app()


def _say(message: str) -> None:
    print("tconv: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(WRONG)
