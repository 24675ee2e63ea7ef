"""How the site is built: `make docs`."""

import inspect
import os
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tconv  # noqa: E402

project = "tconv"
author = "the authors of tconv"
version = release = tconv.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "pictures",
    "tables",
    "commands",
    "notebooks",
    "interactive",
]
exclude_patterns = ["_ext"]
nitpicky = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

highlight_language = "text"
default_role = "code"
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
python_display_short_literal_types = True
add_module_names = False

html_theme = "furo"
html_title = "tconv"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "top_of_page_buttons": [],
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0072B2", "color-brand-content": "#0072B2"},
    "dark_css_variables": {"color-brand-primary": "#56B4E9", "color-brand-content": "#56B4E9"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True


def trimmed(app: Sphinx, page: nodes.document) -> None:
    """Examples without the empty line that ends them for doctest."""
    for block in page.findall(nodes.literal_block):
        block.rawsource = block.rawsource.rstrip()
        block[:] = [nodes.Text(block.astext().rstrip())]


def signed(app: Sphinx, kind: str, name: str, found: Any, options: Any, signature: str, returns: str) -> Any:
    """Keras' layers take anything at first sight; their own signature says more."""
    if kind != "class" or signature != "(*args, **kwargs)":
        return None
    given = list(inspect.signature(found.__init__).parameters.values())[1:]
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in given]
    return str(inspect.Signature(bare)), returns


def left_out(app: Sphinx, kind: str, name: str, found: Any, skip: bool, options: Any) -> bool | None:
    """The fields of a named tuple, of which there is nothing to say but their number."""
    return True if str(found.__doc__).startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", signed)
    app.connect("autodoc-skip-member", left_out)
    app.connect("doctree-read", trimmed)
