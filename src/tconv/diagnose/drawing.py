"""A spectrum as a picture: SVG, with the multiples of 1 / period ringed, and what was found beside it."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from ..methods.channels import Array
from .diagnosis import SURE, Diagnosis, Peak, Period
from .natural import natural

__all__ = ["spectrum_svg"]

SIDE, EDGE, TEXT, WIDE = 448, 48, 320, 640
INK, FAINT_INK, ALARM, PAPER, RING = "#1f2430", "#6b7280", "#d1242f", "#ffffff", "#16c79a"
COLOURS = np.array([[12, 10, 38], [58, 28, 98], [122, 44, 110], [190, 66, 88], [238, 118, 66], [252, 190, 92],
                    [252, 250, 200]], float)
DECIBELS = 70.0
"""From the darkest colour to the brightest."""


def spectrum_svg(found: Diagnosis, *, title: str) -> str:
    """The spectrum of pictures as a map with frequency 0 in its middle, that of sound as a curve; in decibels.

    Args:
        found: what was diagnosed, on one axis or two; of three axes the first two are drawn, the mean over the third.
        title: stands above.
    """
    draw = _curve if found.spectrum.rank == 1 else _map
    width = (WIDE if found.spectrum.rank == 1 else SIDE) + 2 * EDGE + TEXT
    rows = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {SIDE + 2 * EDGE}" width="{width}" '
            f'height="{SIDE + 2 * EDGE}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
            f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="{PAPER}"/>',
            f'<text x="{EDGE}" y="28" font-size="16" font-weight="600">{escape(title)}</text>',
            *draw(found), *_words(found, width - TEXT - EDGE // 2), "</svg>"]
    return "\n".join(rows)


def _map(found: Diagnosis) -> Iterator[str]:
    power = found.spectrum.power if found.spectrum.rank == 2 else found.spectrum.power.mean(axis=2)
    yield (f'<image x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none" '
           f'image-rendering="pixelated" href="data:image/png;base64,{_png(_coloured(power))}"/>')
    for period in found.periods:
        for peak in period.peaks:
            for down, across in _both(peak):
                x, y = (EDGE + SIDE * (at + 0.5 + 0.5 / bins) for at, bins in zip((across, down), power.shape[::-1]))
                yield _ring(x, y, period, peak)
    for tick, name in ((-0.5, "−1/2"), (-0.25, "−1/4"), (0, "0"), (0.25, "1/4"), (0.5, "1/2")):
        at = EDGE + SIDE * (tick + 0.5)
        yield f'<text x="{at:g}" y="{EDGE + SIDE + 20}" text-anchor="middle" fill="{FAINT_INK}">{name}</text>'
        yield f'<text x="{EDGE - 8}" y="{at + 4:g}" text-anchor="end" fill="{FAINT_INK}">{name}</text>'
    yield (f'<text x="{EDGE + SIDE / 2}" y="{EDGE + SIDE + 40}" text-anchor="middle" fill="{FAINT_INK}">cycles per '
           'pixel</text>')


def _both(peak: Peak) -> list[tuple[float, float]]:
    """Where a peak and its negative stand on the map; 1/2 is on both its edges, and drawn at the first."""
    down, across = (float(one) for one in peak.frequency[:2])
    places = {tuple(-0.5 if abs(at) == 0.5 else at for at in one) for one in ((down, across), (-down, -across))}
    return sorted(places)  # type: ignore[arg-type]


def _ring(x: float, y: float, period: Period, peak: Peak) -> str:
    colour, width = (RING, 3) if peak.deviations >= SURE else ("#ffffff", 0.8)
    said = f"1/{period.period}: {peak.ratio:.2f} times what is natural, {peak.deviations:.1f} deviations"
    return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-opacity="0.9"><title>{said}</title></circle>')


def _coloured(power: Array) -> Array:
    """Decibels below the strongest frequency as colours, frequency 0 in the middle."""
    level = 10 * np.log10(np.maximum(np.fft.fftshift(power), 1e-30))
    share = np.clip(1 + (level - level.max()) / DECIBELS, 0, 1) * (len(COLOURS) - 1)
    low = np.minimum(share.astype(int), len(COLOURS) - 2)
    part = (share - low)[..., None]
    return np.rint(COLOURS[low] * (1 - part) + COLOURS[low + 1] * part).astype(np.uint8)


def _curve(found: Diagnosis) -> Iterator[str]:
    power = found.spectrum.power
    side = power.size
    expected = natural(power, math.lcm(*(period.period for period in found.periods)))
    shown = slice(2, side // 2 + 1)
    levels = [10 * np.log10(np.maximum(line[shown], 1e-30)) for line in (power, expected)]
    top = max(float(line.max()) for line in levels) + 3
    bottom = max(min(float(line.min()) for line in levels) - 3, top - 100)
    across = EDGE + WIDE * np.arange(2, side // 2 + 1) / (side / 2)

    def height(level: Array | float) -> Array:
        return np.asarray(EDGE + SIDE * (top - np.clip(level, bottom, top)) / (top - bottom))

    for line, style in ((levels[0], f'stroke="{INK}"'), (levels[1], f'stroke="{ALARM}" stroke-dasharray="4 3"')):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, height(line)))
        yield f'<polyline points="{points}" fill="none" {style}/>'
    for period in found.periods:
        for peak in period.peaks:
            x = EDGE + WIDE * 2 * abs(float(peak.frequency[0]))
            yield _ring(x, float(height(10 * math.log10(max(peak.power, 1e-30)))), period, peak).replace(
                "#ffffff", FAINT_INK)
    for tick, name in ((0.125, "1/8"), (0.25, "1/4"), (0.375, "3/8"), (0.5, "1/2")):
        yield (f'<text x="{EDGE + WIDE * 2 * tick:g}" y="{EDGE + SIDE + 20}" text-anchor="middle" fill="{FAINT_INK}">'
               f'{name}</text>')
    yield (f'<text x="{EDGE + WIDE / 2}" y="{EDGE + SIDE + 40}" text-anchor="middle" fill="{FAINT_INK}">cycles per '
           f'sample; {bottom:.0f} to {top:.0f} dB; dashed: what is natural</text>')


def _words(found: Diagnosis, x: float) -> Iterator[str]:
    y = EDGE + 16.0
    patch = "×".join(map(str, found.spectrum.power.shape))
    yield f'<text x="{x}" y="{y}" fill="{FAINT_INK}">{found.spectrum.patches:,} patches of {patch}</text>'
    for period in found.periods:
        y += 34
        colour = ALARM if period.found else INK
        yield (f'<text x="{x}" y="{y}" font-weight="600" fill="{colour}">period {period.period}: '
               f'{"found" if period.found else "not found"}</text>')
        y += 18
        yield (f'<text x="{x}" y="{y}">energy {period.energy / period.natural:.2f} × natural, '
               f'{period.deviations:.1f} deviations</text>')
    y += 40
    for line in _legend(found.spectrum.rank):
        yield f'<text x="{x}" y="{y}" fill="{FAINT_INK}">{line}</text>'
        y += 18


def _legend(rank: int) -> Sequence[str]:
    rings = (f"green rings: {SURE:g} deviations or more", "above the other frequencies")
    return rings if rank == 1 else (*rings, f"brightest to darkest: {DECIBELS:g} dB")


def _png(pixels: Array) -> str:
    """A PNG of uint8 `(H, W, 3)` in base64, so that the picture needs no package."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 9)),
             (b"IEND", b""))
    chunks = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                      for kind, data in parts)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()
