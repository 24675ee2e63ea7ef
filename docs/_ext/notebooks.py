"""Each chapter of the tutorial as a notebook beside the site, made from its prose and examples and executed."""

from __future__ import annotations

import doctest
import logging
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from chapters import Part, parts
from docutils import nodes
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pictures import split
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from traitlets.config import Config

__all__ = ["disagreements", "executed", "notebook", "setup"]

LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")
SECONDS = 300
CHECK = doctest.OutputChecker()


def notebook(page: str) -> Any:
    """A page as a notebook that is still to be run.

    >>> [cell.cell_type for cell in notebook("# One\\n\\n```python\\n>>> 1 + 1\\n2\\n\\n```\\n").cells]
    ['markdown', 'code']
    """
    book = new_notebook(cells=[_cell(part) for part in parts(page)])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"  # the same from one build to the next
    return book


def _cell(part: Part) -> Any:
    if part.kind == "prose":
        return new_markdown_cell(LINK.sub(r"\1", part.text))
    if part.kind == "picture":
        before, last = split(part.text)
        return new_code_cell(f"# {part.want}\nfrom IPython.display import SVG\n{before}\nSVG(data={last})")
    return new_code_cell(part.text, metadata={"want": part.want} if part.want else {})


def executed(page: str) -> Any:
    """A page as a notebook with its results; a cell that fails, or says other than the page, is an error."""
    with tempfile.TemporaryDirectory() as folder:  # the kernel is spoken to through files, not over the network
        apart = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        book = NotebookClient(notebook(page), timeout=SECONDS, config=apart).execute()
    if wrong := disagreements(book):
        raise ExtensionError("notebooks: " + "\n".join(wrong))
    for cell in book.cells:
        cell.metadata = {}
    return book


def disagreements(book: Any) -> list[str]:
    """What cells of an executed notebook say other than the page promised."""
    wrong = []
    for cell in book.cells:
        want, got = cell.metadata.get("want"), "".join(_said(output) for output in cell.get("outputs", ()))
        flags = doctest.NORMALIZE_WHITESPACE
        if want and not CHECK.check_output(want, got, flags):
            wrong.append(f"{cell.source}\ngives\n{got}instead of\n{want}")
    return wrong


def _said(output: Any) -> str:
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    return output.get("data", {}).get("text/plain", "") + "\n"


class Notebook(SphinxDirective):
    """A link to the notebook of this page."""

    def run(self) -> list[nodes.Node]:
        name = Path(self.env.docname).name
        up = "../" * self.env.docname.count("/")
        words = f'<p class="notebook"><a href="{up}notebooks/{name}.ipynb" download>This chapter as a notebook</a></p>'
        self.env.metadata[self.env.docname]["notebook"] = name
        return [nodes.raw("", words, format="html")]


def write(app: Sphinx, failed: Exception | None) -> None:
    """Execute and write the notebook of every page that links to one."""
    if failed or app.builder.name != "html" or not app.config.run_notebooks:
        return
    logging.getLogger("traitlets").setLevel("WARNING")
    folder = Path(app.outdir) / "notebooks"
    folder.mkdir(exist_ok=True)
    for page, facts in sorted(app.env.metadata.items()):
        if "notebook" in facts:
            book = executed(Path(app.env.doc2path(page)).read_text("utf-8"))
            nbformat.write(book, folder / f"{facts['notebook']}.ipynb")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("notebook", Notebook)
    app.add_config_value("run_notebooks", True, "")  # `sphinx -D run_notebooks=0` for a quick look
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
