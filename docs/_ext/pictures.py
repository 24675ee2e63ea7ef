"""The directive `picture`: a few lines of Python whose last expression is an SVG, drawn when the site is built."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tconv.explain.svg import styles

__all__ = ["Picture", "drawn", "setup", "split"]

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


def drawn(code: str) -> str:
    """The picture that the code ends with, for a page that has the styles of all pictures."""
    before, last = split(code)
    names: dict[str, Any] = {}
    exec(before, names)
    svg = STYLE.sub("", str(eval(last, names)))
    least = min(int(WIDTH.search(svg)[1]), NARROWEST)  # type: ignore[index]
    return svg.replace("max-width:100%", f"max-width:100%;min-width:{least}px", 1)


class Picture(SphinxDirective):
    """A picture, and a caption if there is one; the picture itself says what it shows."""

    has_content = True
    final_argument_whitespace = True
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        svg = drawn("\n".join(self.content))
        figure = nodes.figure("", nodes.raw("", f'<div class="picture" tabindex="0">{svg}</div>', format="html"))
        if self.arguments:
            words, _ = self.state.inline_text(self.arguments[0], self.lineno)
            figure += nodes.caption("", "", *words)
        return [figure]


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
