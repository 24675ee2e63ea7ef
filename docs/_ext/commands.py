"""The directive `commands`: every verb of the command line, its arguments and options, as the program itself knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import code, table, words

from tconv.cli.app import app as program

__all__ = ["Commands", "setup", "verbs"]


def verbs(command: Any, name: str) -> Iterator[tuple[Any, Any]]:
    """Every command that does something, after the context that says how it is called."""
    context = command.context_class(command, info_name=name)
    inner = command.list_commands(context) if hasattr(command, "list_commands") else ()
    for word in inner:
        yield from verbs(command.get_command(context, word), f"{name} {word}")
    if not inner:
        yield context, command


class Commands(SphinxDirective):
    """One section for each verb."""

    def run(self) -> list[nodes.Node]:
        return [self._section(*verb) for verb in verbs(typer.main.get_command(program), "tconv")]

    def _section(self, context: Any, command: Any) -> nodes.Node:
        name = context.info_name
        section = nodes.section("", nodes.title(name, name), ids=[nodes.make_id(name)], support_smartquotes=False)
        self.state.document.note_implicit_target(section)
        for paragraph in re.split(r"\n\s*\n", command.help or ""):
            section += words(" ".join(paragraph.split()))
        told = [each.get_help_record(context) for each in command.params if each.name != "help"]
        rows = [(code(called), words(plain(means))) for called, means in filter(None, told)]
        if rows:
            section += table(("argument", "what it is"), rows)
        lines = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("tconv")]
        if lines:
            section += nodes.literal_block("\n".join(lines), "\n".join(lines), language="text")
        return section


def plain(text: str) -> str:
    """Help without its markup.

    >>> plain("A [bold]file[/bold].  [required]")
    'A file. (required)'
    """
    bare = re.sub(r"\[/?(?:bold|dim|italic|cyan|green|yellow)\]", "", text)
    return re.sub(r"\s+\[([^\]]*)\]$", r" (\1)", bare)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
