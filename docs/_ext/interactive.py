"""The studio as one page of the site, and the directive `studio`: a link that opens it on an example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tconv.studio import page

__all__ = ["Studio", "setup"]

FILE = "interactive.html"


class Studio(SphinxDirective):
    """A link into the studio; the argument is the text behind # in its address."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        up = "../" * self.env.docname.count("/")
        said = " ".join(self.content) or "Play with this example in the studio"
        link = nodes.reference("", said, refuri=f"{up}{FILE}#{self.arguments[0]}", internal=False)
        return [nodes.paragraph("", "", link, classes=["studio"])]


def write(app: Sphinx, failed: Exception | None) -> None:
    if not failed and app.builder.name == "html":
        (Path(app.outdir) / FILE).write_text(page(), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("studio", Studio)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
