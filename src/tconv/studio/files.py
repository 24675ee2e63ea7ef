"""The page's own files: what the server may give out, and what the exported page is made of."""

from __future__ import annotations

from pathlib import Path

__all__ = ["START", "STATIC", "modules", "opening", "text", "types"]

STATIC = Path(__file__).parent / "static"
START = '<script type="module" src="main.js"></script>'
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def types() -> dict[str, str]:
    """Every file of the page by its path, with its media type.

    >>> types()["index.html"]
    'text/html; charset=utf-8'
    """
    files = sorted(path for path in STATIC.rglob("*") if path.suffix in TYPES)
    return {path.relative_to(STATIC).as_posix(): f"{TYPES[path.suffix]}; charset=utf-8" for path in files}


def text(name: str) -> str:
    """One of the page's files, by its path."""
    return (STATIC / name).read_text(encoding="utf-8")


def modules() -> dict[str, str]:
    """Every module of the page by its path."""
    return {name: text(name) for name in types() if name.endswith(".js")}


def opening() -> str:
    """The page's first file as it is served: it names every module, so that a browser asks for all of them at once."""
    links = [f'<link rel="modulepreload" href="{name}">' for name in modules()]
    return text("index.html").replace("</head>", "\n".join([*links, "</head>"]))
