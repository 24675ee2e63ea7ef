"""`tconv studio`: the interactive page, on this machine or as one file."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from .. import studio as page
from ..files import write_whole
from ..studio.server import PORT
from .words import err, out

__all__ = ["EXAMPLES", "studio"]

EXAMPLES = """Examples:\n
  tconv studio\n
  tconv studio --port 0 --no-browser\n
  tconv studio --export studio.html
"""


def studio(
    port: Annotated[int, typer.Option(help="Where to listen on this machine; 0 takes any port that is free.")] = PORT,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    export: Annotated[Path | None, typer.Option(
        metavar="FILE.html", help="Write the page as one file that works offline, and stop.")] = None,
) -> None:
    """Open the interactive page: a layer worked out cell by cell, in four ways that agree.

    It listens on 127.0.0.1 only, and serves nothing but its own files. Ctrl-C ends it.
    """
    if export is not None:
        write_whole(export, page.page())
        out().print(f"The page is in {export}; any browser opens it, without a network.", markup=False)
        return
    with page.open_server(port) as server:
        out().print(f"The studio is at {server.url}  (Ctrl-C ends it)", markup=False)
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            err().print("Ended.")
