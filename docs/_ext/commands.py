"""The command line: `commands` draws every verb with its options, `command` runs a line and shows what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer.main
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import code, table, words

from tconv.cli.app import app as program

__all__ = ["Command", "Commands", "setup", "verbs"]


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


class Command(SphinxDirective):
    """A line as one types it, run when the page is built, over what it said; a failure stops the build."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        line = self.arguments[0]
        done = subprocess.run([sys.executable, "-m", *shlex.split(line)], capture_output=True, text=True,
                              env={**os.environ, "NO_COLOR": "1"})
        if done.returncode:
            raise self.error(f"command: {line!r} ends with {done.returncode}: {done.stderr[-500:]}")
        said = "\n".join(each.rstrip() for each in f"$ {line}\n{done.stdout}".splitlines())
        return [nodes.literal_block(said, said, language="text", classes=["wide"])]


def plain(text: str) -> str:
    """Help without its markup.

    >>> plain("A [bold]file[/bold].  [required]")
    'A file. (required)'
    """
    bare = re.sub(r"\[/?(?:bold|dim|italic|cyan|green|yellow)\]", "", text)
    return re.sub(r"\s+\[([^\]]*)\]$", r" (\1)", bare)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("commands", Commands)
    app.add_directive("command", Command)
    return {"parallel_read_safe": True}
