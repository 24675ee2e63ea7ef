"""Pictures as pixels, with Pillow: the frames of a GIF."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from .layout import Mark, Scene, Shades, Words
from .svg import FAINTEST, SPREAD
from .theme import Palette, mix

__all__ = ["gif", "painted"]

FINE = 2  # pixels drawn for one shown, so that edges are smooth
SPELLED = str.maketrans({"×": "x", "→": ">", "·": "."})  # what Pillow's own font has no letters for
PAUSE, REST = 1100, 3200  # ms, for a step and for the last


def gif(scenes: Sequence[Scene], palette: Palette, scale: float) -> bytes:
    """The scenes one after the other, for ever."""
    pictures = [painted(scene, palette, scale) for scene in scenes]
    colours = _colours(pictures)
    frames = [picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in pictures]
    file = BytesIO()
    pauses = [PAUSE] * (len(frames) - 1) + [REST]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0, disposal=1)
    return file.getvalue()


def _colours(pictures: Sequence[Any]) -> Any:
    """One palette for all frames, from the first, the middle and the last."""
    some = [pictures[0], pictures[len(pictures) // 2], pictures[-1]]
    both = Image.new("RGB", (some[0].width, sum(one.height for one in some)))
    for number, one in enumerate(some):
        both.paste(one, (0, number * one.height))
    return both.quantize(128, method=Image.Quantize.MEDIANCUT)


def painted(scene: Scene, palette: Palette, scale: float = 1.0) -> Any:
    """A scene as an RGB image, `scale` pixels for each of its units."""
    zoom = scale * FINE
    image = Image.new("RGB", (round(scene.width * scale) * FINE, round(scene.height * scale) * FINE), palette.ground)
    draw = ImageDraw.Draw(image)
    for shades in scene.shades:
        _raster(image, shades, zoom)
    for mark in scene.marks:
        _mark(image, draw, mark, palette, zoom)
    for words in scene.words:
        _words(draw, words, palette, zoom)
    return image.reduce(FINE)


@cache
def _font(size: float) -> Any:
    return ImageFont.load_default(size)


def _mark(image: Any, draw: Any, mark: Mark, palette: Palette, zoom: float) -> None:
    box = mark.box
    corners = [mark.x * zoom, mark.y * zoom, (mark.x + mark.width) * zoom, (mark.y + mark.height) * zoom]
    colour, radius = palette.colour(box.role), 5 * zoom
    ink = palette.ink
    if box.role == "plain":
        where = (corners[0] + 2 * zoom, (corners[1] + corners[3]) / 2)
        draw.text(where, box.text.translate(SPELLED), fill=ink, font=_font(mark.size * zoom), anchor="lm")
        return
    if box.shade is not None:
        draw.rounded_rectangle(corners, radius, fill=mix(colour, palette.ground, FAINTEST + SPREAD * box.shade))
    elif box.role == "crop":
        _hatched(image, draw, corners, colour, palette, zoom, box.strong)
    elif box.strong and box.role != "added":
        ink = palette.ground
        draw.rounded_rectangle(corners, radius, fill=palette.solid(box.role), outline=palette.ink,
                               width=round(2 * zoom))
    elif box.role in ("added", "empty"):
        fill = mix(colour, palette.ground, 0.3) if box.strong else palette.ground
        edge = palette.ink if box.strong else palette.edge(box.role)
        draw.rounded_rectangle(corners, radius, fill=fill, outline=edge, width=round((1 + box.strong) * zoom))
        ink = palette.ink if box.strong else palette.quiet
    else:
        draw.rounded_rectangle(corners, radius, fill=palette.soft(box.role), outline=palette.edge(box.role),
                               width=round(zoom))
    middle = ((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2)
    halo = {"stroke_width": round(2.5 * zoom), "stroke_fill": palette.ground} if box.role == "crop" else {}
    draw.text(middle, box.text.translate(SPELLED), fill=ink, font=_font(mark.size * zoom), anchor="mm", **halo)
    if box.tag:
        corner = (corners[2] - 6 * zoom, corners[1] + 7 * zoom)
        draw.text(corner, box.tag, fill=ink if box.strong else palette.quiet, font=_font(9 * zoom), anchor="mm")


def _hatched(image: Any, draw: Any, corners: Sequence[float], colour: str, palette: Palette, zoom: float,
             strong: bool) -> None:
    """A box filled with slanted lines."""
    left, top, right, bottom = map(round, corners)
    width, height = right - left, bottom - top
    tile, shape = Image.new("RGB", (width, height), palette.ground), Image.new("L", (width, height), 0)
    ImageDraw.Draw(shape).rounded_rectangle([0, 0, width - 1, height - 1], 5 * zoom, fill=255)
    slanted = ImageDraw.Draw(tile)
    for start in range(-height, width, round(9 * zoom)):
        slanted.line([start, height, start + height, 0], fill=colour, width=round(1.4 * zoom))
    image.paste(tile, (left, top), shape)
    draw.rounded_rectangle(corners, 5 * zoom, outline=palette.ink if strong else palette.edge("crop"),
                           width=round((1 + strong) * zoom))


def _words(draw: Any, words: Words, palette: Palette, zoom: float) -> None:
    colour = {"ink": palette.ink, "quiet": palette.quiet}.get(words.role) or palette.title(words.role)
    heavy = {"stroke_width": round(0.3 * zoom), "stroke_fill": colour} if words.bold else {}
    draw.text((words.x * zoom, words.y * zoom), words.text.translate(SPELLED), fill=colour,
              font=_font(words.size * zoom), anchor="mm" if words.anchor == "middle" else "lm", **heavy)


def _raster(image: Any, shades: Shades, zoom: float) -> None:
    height, width = len(shades.rows), max(map(len, shades.rows), default=0)
    tile = Image.frombytes("L", (width, height), bytes(round(255 * one) for row in shades.rows for one in row))
    size = round(width * shades.pixel * zoom), round(height * shades.pixel * zoom)
    tile = tile.resize(size, Image.Resampling.NEAREST)
    image.paste(tile.convert("RGB"), (round(shades.x * zoom), round(shades.y * zoom)))
