"""`tconv explain MODEL --layer L --feature F --image I`: what in a picture a trained feature answered to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError, SettingError
from ..files import write_whole
from ..methods.channels import Array
from ..models import read
from ..models.deconvnet import Projection, answers, project
from ..report import png
from .words import out as console

__all__ = ["answered"]

MANY = 6  # features that are shown where none was chosen
SIDE = 240  # screen pixels of a picture
GAP, LINE = 16, 34
INK, PAPER, FRAME = (32, 32, 36), (255, 255, 255), (230, 120, 20)


def answered(model: str | None, layer: str | None, feature: int | None, image: str | None, out: str | None) -> None:
    """Write the picture, and say what it shows."""
    given = {"MODEL": model, "--layer": layer, "--image": image, "--out": out}
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise SettingError(f"explain: {', '.join(missing)} is missing; a feature of a trained network is shown by "
                           "tconv explain MODEL --layer L --feature F --image I -o answers.png.")
    path = Path(str(out))
    if path.suffix.lower() != ".png":
        raise SettingError(f"out: {str(path)!r} has to end in .png, as the picture is one.")
    if path.resolve() in (Path(str(model)).resolve(), Path(str(image)).resolve()):
        raise DataError(f"{path}: is what is read, and would be overwritten; give another name with -o.")
    answer = answers(Path(str(model)), _picture(Path(str(image)), Path(str(model))), layer=str(layer))
    chosen = answer.strongest(MANY) if feature is None else (feature,)
    if not chosen:
        raise DataError(f"{image}: no feature of {answer.where} answers to it; take another picture, or another layer.")
    found = [project(answer, number) for number in chosen]
    write_whole(path, png(drawn(answer.picture, found)))
    for one in found:
        console().print(said(one), markup=False, soft_wrap=True)
    console().print(f"{path}: the picture, what each answered to, and the same on the pixels it sees.", markup=False,
                    soft_wrap=True)


def said(one: Projection) -> str:
    """A projection in words."""
    rows = " x ".join(f"{lo}..{hi - 1}" for lo, hi in one.window)
    place = ", ".join(map(str, one.place))
    return f"{one.where}, feature {one.feature}: {one.value:.3g} at ({place}), from pixels {rows}"


def _picture(path: Path, model: Path) -> Array:
    """A picture as the model takes it: grey or in colours, its size, 0 to 1."""
    from PIL import Image, UnidentifiedImageError

    facts = read(model)
    shape = facts.graph.shapes.get(facts.graph.inputs[0], ()) if facts.graph.inputs else ()
    channels, grid = facts.graph.channels(facts.graph.inputs[0]) if shape else None, shape and facts.graph.grid(
        facts.graph.inputs[0])
    if len(grid) != 2 or channels not in (1, 3, None):
        raise SettingError(f"explain: {model} takes {shape or 'what is not known'}, which is no picture; "
                           "tconv.models.deconvnet takes any array.")
    try:
        with Image.open(path) as opened:
            image = opened.convert("L" if channels == 1 else "RGB")
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as a picture ({error}); give a PNG or a JPEG.") from None
    rows, columns = (own or size for own, size in zip(grid, image.size[::-1], strict=True))
    if image.size != (columns, rows):
        image = image.resize((columns, rows), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, np.float32) / 255
    return pixels if pixels.ndim == 3 else pixels[..., None]


def drawn(picture: Array, found: list[Projection]) -> Array:
    """A row for each projection: the picture with a frame around what was seen, the answer, and both within it."""
    from PIL import Image, ImageDraw, ImageFont

    rows = [_row(picture, one) for one in found]
    height, width = SIDE + LINE, 4 * SIDE + 3 * GAP
    sheet = Image.new("RGB", (width + 2 * GAP, len(rows) * (height + GAP) + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(17)
    for number, (one, tiles) in enumerate(zip(found, rows, strict=True)):
        top = GAP + number * (height + GAP)
        draw.text((GAP, top), said(one), INK, font)
        for column, tile in enumerate(tiles):
            sheet.paste(Image.fromarray(tile), (GAP + column * (SIDE + GAP), top + LINE))
    return np.asarray(sheet)


def _row(picture: Array, one: Projection) -> tuple[Array, ...]:
    light, answer = _coloured(picture), _contrast(one.pixels)
    (top, bottom), (left, right) = one.window
    inside = (slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1)))
    return _framed(light, one.window), _large(answer), _large(light[inside]), _large(answer[inside])


def _coloured(picture: Array) -> Array:
    pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels


def _contrast(pixels: Array) -> Array:
    """Nothing as middle grey, the strongest as white or black."""
    most = np.abs(pixels).max() or 1.0
    return _coloured(0.5 + pixels / (2 * most))


def _large(pixels: Array) -> Array:
    """In a square of `SIDE`, each pixel as many screen pixels, the rest paper."""
    times = max(SIDE // max(pixels.shape[:2]), 1)
    wide = pixels.repeat(times, 0).repeat(times, 1) if max(pixels.shape[:2]) <= SIDE else _small(pixels)
    tile = np.full((SIDE, SIDE, 3), 255, np.uint8)
    top, left = ((SIDE - size) // 2 for size in wide.shape[:2])
    tile[top:top + wide.shape[0], left:left + wide.shape[1]] = wide
    return tile


def _small(pixels: Array) -> Array:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _framed(light: Array, window: tuple[tuple[int, int], ...]) -> Array:
    """The picture, large, with a frame around a part of it."""
    from PIL import Image, ImageDraw

    tile, scale = Image.fromarray(_large(light)), SIDE / max(light.shape[:2])
    scale = int(scale) if scale >= 1 else scale
    corner = [(SIDE - int(size * scale)) // 2 for size in light.shape[:2]]
    (top, bottom), (left, right) = window
    box = (corner[1] + left * scale, corner[0] + top * scale, corner[1] + right * scale - 1,
           corner[0] + bottom * scale - 1)
    ImageDraw.Draw(tile).rectangle(box, outline=FRAME, width=3)
    return np.asarray(tile)
