"""The page as one HTML file that needs nothing else: its modules become functions of one script."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re

from .files import START, modules, text

__all__ = ["bundle", "page"]

IMPORT = re.compile(r'^import (\{[^}]*\}|\* as \w+) from "(\.[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (function|const|class) (\w+)", re.MULTILINE)
EXPORT_LIST = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
MAIN = "main.js"


def page() -> str:
    """The whole page as one file; it works from the disk, without a network.

    The only script and the only style that it may run are its own, by their digests.
    """
    style, script = text("style.css"), bundle()
    policy = (f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data: blob:; "
              "base-uri 'none'; form-action 'none'")
    html = text("index.html")
    html = html.replace('<meta charset="utf-8">', '<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" '
                        f'content="{policy}">')
    html = html.replace('<link rel="stylesheet" href="style.css">', f"<style>{style}</style>")
    return html.replace(START, f'<script type="module">{script}</script>')


def bundle() -> str:
    """All modules in one script: each a function that gives what it exports, called in the order of their imports.

    It reads the few forms that the page's modules use: `import {a} from "./b.js"`, `import * as b`, and `export` before
    a declaration or with a list of names.
    """
    files = modules()
    parts = [f"const {_name(module)} = (() => {{\n{_as_function(module, files[module])}\n}})();"
             for module in _in_order(files)]
    return '"use strict";\n' + "\n".join(parts).replace("</script", "<\\/script") + "\n"


def _in_order(files: dict[str, str]) -> list[str]:
    """The modules from `main.js` on, each after those that it imports."""
    done: list[str] = []

    def visit(module: str, above: tuple[str, ...]) -> None:
        if module in above:
            raise ValueError(f"the page's modules import one another in a ring: {' -> '.join((*above, module))}")
        if module in done:
            return
        for _, origin in IMPORT.findall(files[module]):
            visit(_resolved(module, origin), (*above, module))
        done.append(module)

    visit(MAIN, ())
    return done


def _resolved(module: str, origin: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(module), origin))


def _name(module: str) -> str:
    return "_" + re.sub(r"\W", "_", module.removesuffix(".js"))


def _as_function(module: str, source: str) -> str:
    names = [name for _, name in EXPORT.findall(source)]
    for group in EXPORT_LIST.findall(source):
        names += [name.strip() for name in group.split(",") if name.strip()]

    def imported(match: re.Match[str]) -> str:
        wanted, origin = match.groups()
        target = wanted.removeprefix("* as ") if wanted.startswith("*") else wanted.replace(" as ", ": ")
        return f"const {target} = {_name(_resolved(module, origin))};"

    body = EXPORT_LIST.sub("", EXPORT.sub(r"\1 \2", IMPORT.sub(imported, source)))
    if re.search(r"^(import|export)\b", body, re.MULTILINE):
        raise ValueError(f"{module}: an import or export that the exported page cannot take over")
    return f"{body}\nreturn {{{', '.join(names)}}};"


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
