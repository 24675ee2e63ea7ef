"""The directive `picture`: a few lines of Python whose last expression is a picture, drawn when the site is built."""

from __future__ import annotations

import ast
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["Picture", "drawn", "setup"]


def drawn(code: str) -> str:
    """The SVG that the last expression of the code stands for.

    >>> drawn("'<svg/>'")
    '<svg/>'
    """
    *before, last = ast.parse(code).body
    names: dict[str, Any] = {}
    exec(compile(ast.Module(before, []), "picture", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "picture", "eval"), names)  # type: ignore[attr-defined]
    return value if isinstance(value, str) else value._repr_svg_()


class Picture(SphinxDirective):
    """A picture with what it shows in words, and a caption if there is one."""

    has_content = True
    final_argument_whitespace = True
    optional_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        picture = nodes.raw("", f'<div class="picture">{drawn(chr(10).join(self.content))}</div>', format="html")
        figure = nodes.figure("", picture)
        if self.arguments:
            words, _ = self.state.inline_text(self.arguments[0], self.lineno)
            figure += nodes.caption("", "", *words)
        return [figure]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True}
