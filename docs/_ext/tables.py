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

from tconv.conventions import CONVENTIONS, CONVOLUTIONS, Convention, spell
from tconv.errors import UnsupportedError
from tconv.geometry import Spec

__all__ = ["Frameworks", "Parameters", "Spellings", "setup"]


def code(text: str) -> nodes.Node:
    return nodes.paragraph("", "", nodes.literal(text, text))


def codes(texts: Iterable[str]) -> nodes.Node:
    line = nodes.paragraph("", "")
    for text in texts:
        line += [nodes.literal(text, text), nodes.Text(" ")]
    return line


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
    """A section for each framework: its layers, arguments with their defaults, layouts, and what it was run against."""

    def run(self) -> list[nodes.Node]:
        return [self._section(name) for name in CONVENTIONS]

    def _section(self, name: str) -> nodes.Node:
        row, plain = CONVENTIONS[name], CONVOLUTIONS[name]
        section = nodes.section("", nodes.title(name, name), ids=[nodes.make_id(f"framework-{name}")])
        section += words(f"Run against {row.versions}." if row.run else "Read in its documents, not run.")
        facts = ("layers", "arguments", "kernel", "arrays")
        section += table(("", "transposed", "plain"), zip(map(words, facts), _facts(row), _facts(plain), strict=True))
        return section


def _facts(row: Convention) -> list[nodes.Node]:
    said = [row.kernel_argument, *(f"{name}={value!r}" for name, value in row.defaults.items())]
    return [codes(layer.name for layer in row.layers), codes(said), words(row.layout), words(row.data)]


class Spellings(SphinxDirective):
    """One setting in every framework's words, or the exactly equal layer that those can say."""

    option_spec: ClassVar[dict[str, Any]] = dict.fromkeys(
        ("kernel", "stride", "dilation", "crop", "coarse", "groups"), directives.unchanged)

    def run(self) -> list[nodes.Node]:
        given = {name: tuple(map(int, value.split())) for name, value in self.options.items()}
        coarse = given.pop("coarse")
        crop, groups = given.pop("crop", (0, 0)), given.pop("groups", (1,))[0]
        spec = Spec.of(given.pop("kernel"), crop=(crop,) * len(coarse), groups=groups, **given)
        rows = [(words(name), _spelled(row, spec, coarse)) for name, row in CONVENTIONS.items()]
        return [table(("framework", f"from {'x'.join(map(str, coarse))}"), rows)]


def _spelled(row: Convention, spec: Spec, coarse: Sequence[int]) -> nodes.Node:
    try:
        found = spell(row, spec, sizes=coarse)
    except UnsupportedError as error:
        return words(f"Cannot be said: {str(error).split(': ', 1)[-1]}")
    line = code(found.code)
    if not found.exact:
        line += nodes.Text(f" Not in its own words, but exactly equal: {found.alternative}.")
    return line


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
        return [table(("parameter", "what it does"), (
            (_parameter(name, default), self._inline(lines[name])) for name, default in known.items()))]

    def _inline(self, text: str) -> nodes.Node:
        inside, _ = self.state.inline_text(text, self.lineno)
        return nodes.paragraph("", "", *inside)


def _parameter(name: str, default: Any) -> nodes.Node:
    """A parameter over its default."""
    said = "required" if default is inspect.Parameter.empty else f"= {default!r}"
    below = nodes.paragraph(said, said, classes=["default"], support_smartquotes=False)
    return nodes.inline("", "", code(name), below)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("frameworks", Frameworks)
    app.add_directive("spellings", Spellings)
    app.add_directive("parameters", Parameters)
    return {"parallel_read_safe": True}
