"""Directives that draw tables from the package's own: `frameworks`, `spellings` and `parameters`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tconv.conventions import CONVENTIONS, Channels, Convention
from tconv.errors import UnsupportedError
from tconv.geometry import Spec

__all__ = ["Frameworks", "Parameters", "Spellings", "setup"]


def code(text: str) -> nodes.Node:
    return nodes.paragraph("", "", nodes.literal(text, text))


def words(text: str) -> nodes.Node:
    return nodes.paragraph(text, text)


def table(head: Sequence[str], rows: Iterable[Sequence[nodes.Node]]) -> nodes.table:
    """A table from a head in words and rows of nodes."""
    group = nodes.tgroup("", *(nodes.colspec("", colwidth=1) for _ in head), cols=len(head))
    group += nodes.thead("", _row(map(words, head)))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group)


def _row(cells: Iterable[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


class Frameworks(SphinxDirective):
    """Every row of the table of conventions: layers, arguments with their defaults, layouts, and what it ran against."""

    def run(self) -> list[nodes.Node]:
        head = ("framework", "layers", "arguments and defaults", "kernel", "arrays", "run against")
        return [table(head, map(self._cells, CONVENTIONS.values()))]

    def _cells(self, row: Convention) -> list[nodes.Node]:
        arguments = {row.kernel_argument: ..., **row.defaults}
        said = [f"{name}={value!r}" if value is not ... else name for name, value in arguments.items()]
        many = nodes.paragraph("", "")
        for entry in said:
            many += [nodes.literal(entry, entry), nodes.Text(" ")]
        layers = nodes.paragraph("", "")
        for layer in row.layers:
            layers += [nodes.literal(layer.name, layer.name), nodes.Text(" ")]
        return [words(row.name), layers, many, words(row.layout), words(row.data),
                words(row.versions or "read in its documents, not run")]


class Spellings(SphinxDirective):
    """One setting in every framework's words, or why it cannot be said there."""

    option_spec: ClassVar[dict[str, Any]] = {
        name: directives.unchanged for name in ("kernel", "stride", "dilation", "crop", "coarse", "groups")
    }

    def run(self) -> list[nodes.Node]:
        given = {name: tuple(map(int, value.split())) for name, value in self.options.items()}
        coarse = given.pop("coarse")
        crop = given.pop("crop", (0, 0))
        groups = given.pop("groups", (1,))[0]
        spec = Spec.of(given.pop("kernel"), crop=(crop,) * len(coarse), groups=groups, **given)
        rows = [(words(name), self._said(row, spec, coarse)) for name, row in CONVENTIONS.items() if row.code]
        return [table(("framework", f"from {'x'.join(map(str, coarse))}"), rows)]

    def _said(self, row: Convention, spec: Spec, coarse: tuple[int, ...]) -> nodes.Node:
        try:
            return code(row.code(row.write(spec, coarse), Channels(), spec))  # type: ignore[misc]
        except UnsupportedError as error:
            return words(f"Not in its words: {str(error).split(': ', 1)[-1]}")


class Parameters(SphinxDirective):
    """A layer's parameters with their defaults, as its signature has them, and a line for each from the content.

    The content has a line `name: what it does` for each parameter; one that is missing, or has gone, stops the build.
    """

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        import keras

        signature = inspect.signature(getattr(keras.layers, self.arguments[0])).parameters.values()
        known = {each.name: each.default for each in signature if each.kind is not each.VAR_KEYWORD}
        lines = dict(re.split(r":\s+", line, maxsplit=1) for line in self.content if line.strip())
        if list(known) != list(lines):
            raise self.error(f"parameters: Keras' {self.arguments[0]} has {list(known)}; the page has {list(lines)}.")
        return [table(("parameter", "default", "what it does"), (
            (code(name), code("required" if default is inspect.Parameter.empty else repr(default)),
             self._inline(lines[name])) for name, default in known.items()))]

    def _inline(self, text: str) -> nodes.Node:
        inside, _ = self.state.inline_text(text, self.lineno)
        return nodes.paragraph("", "", *inside)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("frameworks", Frameworks)
    app.add_directive("spellings", Spellings)
    app.add_directive("parameters", Parameters)
    return {"parallel_read_safe": True}
