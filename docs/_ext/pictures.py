"""The directive `picture`: a few lines of Python whose last expression is an SVG, drawn when the site is built."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tconv.explain import Explanation, render
from tconv.explain.svg import styles

__all__ = ["Picture", "fitted", "ran", "setup", "split"]

SHEET = "pictures.css"
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
WIDTH = re.compile(r'width="(\d+)"')
NARROWEST = 560  # pixels; on a phone, wider pictures are moved sideways rather than made unreadable


def split(code: str) -> tuple[str, str]:
    """All lines before the last expression, and that expression.

    >>> split("a = 1\\na + 1")
    ('a = 1', 'a + 1')
    """
    *before, last = ast.parse(code).body
    return ast.unparse(ast.Module(before, [])), ast.unparse(last)


def ran(code: str) -> tuple[str, dict[str, Any]]:
    """The SVG that the code ends with, and the names that it made."""
    before, last = split(code)
    names: dict[str, Any] = {}
    exec(before, names)
    return str(eval(last, names)), names


def fitted(svg: str) -> str:
    """A picture for a page that has the styles of all pictures, and a width of its own."""
    bare = STYLE.sub("", svg)
    least = min(int(WIDTH.search(bare)[1]), NARROWEST)  # type: ignore[index]
    return bare.replace("max-width:100%", f"max-width:100%;min-width:{least}px", 1)


class Picture(SphinxDirective):
    """A picture, and a caption if there is one; the picture itself says what it shows.

    With `sheet`, a name, what the code calls `told` can be downloaded as a spreadsheet of this name.
    """

    has_content = True
    final_argument_whitespace = True
    optional_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"sheet": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        svg, names = ran("\n".join(self.content))
        svg = fitted(svg)
        figure = nodes.figure("", nodes.raw("", f'<div class="picture" tabindex="0">{svg}</div>', format="html"))
        if self.arguments:
            words, _ = self.state.inline_text(self.arguments[0], self.lineno)
            figure += nodes.caption("", "", *words)
        return [figure, self._sheet(names["told"])] if "sheet" in self.options else [figure]

    def _sheet(self, told: Explanation) -> nodes.Node:
        place = Path(self.env.app.outdir) / "sheets" / f"{self.options['sheet']}.xlsx"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(render(told, format="xlsx"))  # type: ignore[arg-type]
        link = f"{'../' * self.env.docname.count('/')}sheets/{place.name}"
        words = "This example as a spreadsheet with live formulas"
        return nodes.raw("", f'<p class="notebook"><a href="{link}" download>{words}</a></p>', format="html")


def sheet() -> str:
    """The styles of all pictures: light, or dark where the reader or the reader's system has it so."""
    dark = styles("dark")
    return (f'{styles("light")}\nbody[data-theme="dark"]{{{dark}}}\n'
            f'@media(prefers-color-scheme:dark){{body[data-theme="auto"]{{{dark}}}}}\n')


def write(app: Sphinx) -> None:
    folder = Path(app.outdir) / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SHEET).write_text(sheet(), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("picture", Picture)
    app.add_css_file(SHEET)
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
