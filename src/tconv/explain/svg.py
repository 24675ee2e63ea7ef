"""Pictures as SVG that stands alone: light and dark by itself, a title and a description for screen readers."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from xml.sax.saxutils import escape, quoteattr

from .layout import Mark, Scene, Shades, Words
from .theme import DARK, LIGHT, ROLES, Palette, mix

__all__ = ["svg"]

HATCH = "hatch-of-this-picture"  # until the picture has its own name
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
FAINTEST, SPREAD = 0.08, 0.72  # how much of its role's colour a box has where a shade says it


def svg(scene: Scene, title: str, description: str, *, theme: str | None = "auto") -> str:
    """A scene as an SVG document.

    Args:
        scene: what to paint.
        title, description: for screen readers, and as a tooltip.
        theme: "light", "dark", or "auto": as the reader's system has it, or a page's `data-theme`;
            None where the page around it has the rules.
    """
    body = "\n".join([*map(_shades, scene.shades), *map(_mark, scene.marks), *map(_words, scene.words)])
    key = "t" + hashlib.sha256((title + description + body).encode()).hexdigest()[:8]
    body = body.replace(HATCH, f"{key}-h")  # several pictures on a page, one of them hidden, each need their own
    hatch = (f'<defs><pattern id="{key}-h" width="7" height="7" patternUnits="userSpaceOnUse" '
             'patternTransform="rotate(45)"><path class="tc-hatch" d="M0 0V7"/></pattern></defs>\n')
    width, height = round(scene.width), round(scene.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tconv" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" style="max-width:100%;height:auto" role="img" aria-labelledby="{key}-t {key}-d" '
        f'font-family="{FONT}">\n'
        f'<title id="{key}-t">{escape(title)}</title>\n<desc id="{key}-d">{escape(description)}</desc>\n'
        f"{f'<style>{styles(theme)}</style>' if theme else ''}\n"
        f"{hatch if f'{key}-h' in body else ''}"
        f'<rect class="tc-ground" width="{width}" height="{height}" rx="10"/>\n{body}\n</svg>\n'
    )


def styles(theme: str) -> str:
    """The rules for both pages, or for one."""
    if theme != "auto":
        return _rules("", DARK if theme == "dark" else LIGHT)
    return (_rules("", LIGHT) + "@media(prefers-color-scheme:dark){" + _rules(':root:not([data-theme="light"]) ', DARK)
            + "}" + _rules('[data-theme="dark"] ', DARK))


def _rules(front: str, page: Palette) -> str:
    """One page's colours; `front` says where they hold."""
    at = f"{front}.tconv "
    rules = [
        f"{at}text{{fill:{page.ink};dominant-baseline:central}}", f"{at}.tc-quiet{{fill:{page.quiet}}}",
        f"{at}.tc-ground{{fill:{page.ground}}}", f"{at}.tc-hatch{{stroke:{page.colour('crop')};stroke-width:1.6}}",
        f"{at}.tc-n{{font-variant-numeric:tabular-nums}}",
    ]
    for role in ROLES:
        rules += [f"{at}text.tc-{role}{{fill:{page.title(role)}}}",
                  f"{at}rect.tc-{role}{{fill:{page.soft(role)};stroke:{page.edge(role)}}}",
                  f"{at}rect.tc-{role}.tc-s{{fill:{page.solid(role)};stroke:{page.ink};stroke-width:2}}"]
    rules += [
        f"{at}rect.tc-plain{{fill:none;stroke:none}}",
        f"{at}rect.tc-added,{at}rect.tc-empty{{fill:none;stroke-dasharray:3 3}}",
        f"{at}rect.tc-added.tc-s{{fill:{mix(page.colour('added'), page.ground, 0.3)};stroke-dasharray:none}}",
        f"{at}rect.tc-crop.tc-s{{stroke:{page.ink};stroke-width:2}}",
        f"{at}text.tc-added.tc-n,{at}text.tc-empty.tc-n{{fill:{page.quiet}}}",
        f"{at}text.tc-s{{fill:{page.ground};font-weight:700}}",
        f"{at}text.tc-added.tc-s,{at}text.tc-crop.tc-s,{at}text.tc-h{{fill:{page.ink}}}",
        f"{at}text.tc-crop{{paint-order:stroke;stroke:{page.ground};stroke-width:4px;stroke-linejoin:round;fill:{page.ink}}}",
    ]
    return "".join(rules)


def _mark(mark: Mark) -> str:
    box = mark.box
    name = f"tc-{box.role}{' tc-s' * box.strong}"
    shade = "" if box.shade is None else f' fill-opacity="{FAINTEST + SPREAD * box.shade:.2f}"'
    text = (_text(mark, name) if box.text else "") + (_tag(mark) if box.tag else "")
    if box.role == "plain":
        return text
    kind = f'class="{name} tc-s" style="stroke:none"{shade}' if shade else f'class="{name}"'
    kind += f' style="fill:url(#{HATCH})"' if box.role == "crop" else ""
    size = f'width="{_n(mark.width)}" height="{_n(mark.height)}" rx="5"'
    return f'<rect {kind} x="{_n(mark.x)}" y="{_n(mark.y)}" {size}/>{text}'


def _text(mark: Mark, name: str) -> str:
    left = mark.box.role == "plain"
    x = mark.x + (2 if left else mark.width / 2)
    anchor = "" if left else ' text-anchor="middle"'
    kind = "tc-n tc-h" if mark.box.shade is not None else f"tc-n {name}" if mark.box.strong or mark.box.role in (
        "added", "empty", "crop") else "tc-n"
    return (f'<text class="{kind}" x="{_n(x)}" y="{_n(mark.y + mark.height / 2)}" font-size="{_n(mark.size)}"{anchor}>'
            f"{escape(mark.box.text)}</text>")


def _tag(mark: Mark) -> str:
    kind = "tc-s" if mark.box.strong else "tc-quiet"
    return (f'<text class="{kind}" x="{_n(mark.x + mark.width - 6)}" y="{_n(mark.y + 7)}" font-size="9" '
            f'text-anchor="middle">{escape(mark.box.tag)}</text>')


def _words(words: Words) -> str:
    kind = "" if words.role == "ink" else f" class={quoteattr('tc-' + words.role)}"
    bold = ' font-weight="650"' if words.bold else ""
    anchor = ' text-anchor="middle"' if words.anchor == "middle" else ""
    return (f'<text{kind} x="{_n(words.x)}" y="{_n(words.y)}" font-size="{_n(words.size)}"{bold}{anchor}>'
            f"{escape(words.text)}</text>")


def _shades(shades: Shades) -> str:
    """A raster as an image of its own, grey with the role's frame."""
    height, width = len(shades.rows), max(map(len, shades.rows), default=0)
    data = base64.b64encode(png(shades.rows)).decode()
    return (f'<image x="{_n(shades.x)}" y="{_n(shades.y)}" width="{_n(width * shades.pixel)}" '
            f'height="{_n(height * shades.pixel)}" preserveAspectRatio="none" style="image-rendering:pixelated" '
            f'href="data:image/png;base64,{data}"/>')


def png(rows: tuple[tuple[float, ...], ...]) -> bytes:
    """Shades from 0, black, to 1, white, as a PNG file."""
    lines = b"".join(b"\0" + bytes(round(255 * min(max(shade, 0.0), 1.0)) for shade in row) for row in rows)
    head = struct.pack(">IIBBBBB", max(map(len, rows), default=0), len(rows), 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
