"""Results as pictures: everyone's time beside ours, layer by layer; a step's time, framework by framework."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from ..errors import DataError
from ..explain.theme import DARK, LIGHT, Palette
from .facts import FROZEN, Results, Row, Timing

__all__ = ["layers_picture", "step_picture"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MIDDLE = 'text-anchor="middle"'
LEFT, SCALE, RIGHT, ROW, TOP = 196, 500, 150, 19, 96
LOW, HIGH = 0.25, 16.0  # times our time; what lies beyond is drawn at the edge
BAR = 400  # the longest bar of a training step; its words stand behind it
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)
COLOURS = ("coarse", "kernel", "fine", "phase0", "phase1", "phase3", "phase2", "plain")


@dataclass(frozen=True, slots=True)
class Mark:
    """A peer's sign: its outline around a point, and its colour."""

    path: str
    colour: str


OUTLINES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z", "M-4-4H4V4H-4Z", "M0-5.2L5 4H-5Z", "M0-5.4L5.4 0L0 5.4L-5.4 0Z",
    "M0 5.2L5-4H-5Z", "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z", "M-4.6-2H4.6V2H-4.6Z", "M-2-4.6H2V4.6H-2Z",
)


def layers_picture(results: Results, *, passing: str, dtype: str = "float32", threads: int) -> str:
    """Each layer's peers on a line, by how many times as long as ours they take; an SVG document.

    Args:
        results: of a run.
        passing: which pass.
        dtype: of the arrays.
        threads: how many.

    Raises:
        DataError: if there are no such rows.
    """
    rows = [row for row in results.rows
            if (row.passing, row.dtype, row.threads) == (passing, dtype, threads) and row.ours()]
    if not rows:
        raise DataError(f"picture: the run has no {passing} of {dtype} on {threads} threads.")
    here = {one.peer for row in rows for one in row.timings}
    marks = {peer: mark for peer, mark in _marks(results).items() if peer in here}
    frozen = {one.peer for row in rows for one in row.timings if one.kernels == FROZEN}
    height = TOP + ROW * len(rows) + 44
    title = f"{passing.capitalize()}, {dtype}, {threads} thread{'s' * (threads > 1)}: time beside ours"
    told = "; ".join(f"{row.name} {row.ratio() or 0:.2f}" for row in rows)
    body = [*_legend(marks, frozen), *_axis(height), *(line for at, row in enumerate(rows)
                                                       for line in _layer(row, TOP + ROW * at + ROW / 2, marks))]
    return _document(LEFT + SCALE + RIGHT, height, title, f"How many times as fast as the best peer: {told}.", body)


def _marks(results: Results) -> dict[str, Mark]:
    """Each peer's sign, the same in all pictures of a run."""
    peers = dict.fromkeys(one.peer for row in results.rows for one in row.timings if not one.ours)
    return {peer: Mark(OUTLINES[at % len(OUTLINES)], COLOURS[at % len(COLOURS)]) for at, peer in enumerate(peers)}


def _legend(marks: dict[str, Mark], frozen: set[str]) -> Iterator[str]:
    """The peers in two lines; a hollow sign is a frozen kernel."""
    each = math.ceil(len(marks) / 2)
    wide = (LEFT + SCALE + RIGHT - 32) / max(each, 1)
    for at, (peer, mark) in enumerate(marks.items()):
        x, y = 24 + wide * (at % each), 44 + 20 * (at // each)
        yield _sign(mark, x, y, hollow=peer in frozen)
        words = peer if peer not in frozen or "frozen" in peer else f"{peer} (frozen)"
        yield f'<text x="{x + 11:.0f}" y="{y}" font-size="12">{escape(words)}</text>'


def _axis(height: float) -> Iterator[str]:
    bottom = height - 40
    yield f'<rect class="b-slower" x="{_x(1):.1f}" y="{TOP}" width="{_x(HIGH) - _x(1):.1f}" height="{bottom - TOP}"/>'
    for tick in TICKS:
        kind = "b-one" if tick == 1 else "b-grid"
        yield f'<path class="{kind}" d="M{_x(tick):.1f} {TOP - 4}V{bottom}"/>'
        words = "ours" if tick == 1 else f"{tick:g}×"
        yield f'<text class="b-quiet" x="{_x(tick):.1f}" y="{bottom + 14}" font-size="11" {MIDDLE}>{words}</text>'
    for x, y, words in (((_x(LOW) + _x(1)) / 2, bottom + 30, "faster than ours"),
                        ((_x(1) + _x(HIGH)) / 2, bottom + 30, "slower than ours"),
                        (LEFT + SCALE + 64, TOP - 12, "share of the limit"), (LEFT - 46, TOP - 12, "ours, ms")):
        yield f'<text class="b-quiet" x="{x:.0f}" y="{y}" font-size="11" {MIDDLE}>{words}</text>'


def _layer(row: Row, y: float, marks: dict[str, Mark]) -> Iterator[str]:
    ours = row.ours()
    assert ours is not None
    yield f'<text x="{LEFT - 92}" y="{y:.1f}" font-size="12" text-anchor="end">{escape(row.name)}</text>'
    yield (f'<text class="b-number" x="{LEFT - 24}" y="{y:.1f}" font-size="11" text-anchor="end">'
           f"{ours.milliseconds:.3g}</text>")
    yield f'<path class="b-line" d="M{_x(LOW):.1f} {y:.1f}H{_x(HIGH):.1f}"/>'
    for one in sorted(row.timings, key=lambda one: -one.milliseconds):
        if not one.ours:
            yield _peer(one, row.ours(one.kernels) or ours, y, marks[one.peer])
    share = min(row.fraction or 0.0, 1.0)
    x = LEFT + SCALE + 24
    yield f'<rect class="b-full" x="{x}" y="{y - 5:.1f}" width="80" height="10" rx="2"/>'
    yield f'<rect class="b-share" x="{x}" y="{y - 5:.1f}" width="{80 * share:.1f}" height="10" rx="2"/>'
    yield f'<text class="b-number" x="{x + 86}" y="{y:.1f}" font-size="11">{row.fraction or 0:.0%}</text>'


def _peer(one: Timing, ours: Timing, y: float, mark: Mark) -> str:
    times = one.milliseconds / ours.milliseconds
    told = f"{one.peer}: {one.milliseconds:.3g} ms, {times:.2f} times ours"
    return _sign(mark, _x(min(max(times, LOW), HIGH)), y, hollow=one.kernels == FROZEN, told=told)


def _sign(mark: Mark, x: float, y: float, *, hollow: bool, told: str = "") -> str:
    kind = f"b-{mark.colour}{' b-hollow' * hollow}"
    title = f"<title>{escape(told)}</title>" if told else ""
    return f'<path class="{kind}" transform="translate({x:.1f} {y:.1f})" d="{mark.path}">{title}</path>'


def _x(times: float) -> float:
    """Where on the picture so many times our time is."""
    share = math.log(times / LOW) / math.log(HIGH / LOW)
    return LEFT + share * SCALE


def step_picture(row: Row) -> str:
    """A training step's time in each framework, as bars; an SVG document."""
    timings = sorted(row.timings, key=lambda one: one.milliseconds)
    longest = max((one.milliseconds for one in timings), default=1.0)
    most = min(longest, 6 * timings[0].milliseconds) if timings else longest
    height = 60 + 24 * len(timings) + 16
    body = [line for at, one in enumerate(timings) for line in _bar(one, 62 + 24 * at, most)]
    edge = LEFT + 40 + BAR * row.limit / most
    body.append(f'<path class="b-one" d="M{edge:.1f} 50V{height - 14}"/>')
    body.append(f'<text class="b-quiet" x="{edge:.1f}" y="42" font-size="11" {MIDDLE}>limit {row.limit:.3g} ms</text>')
    title = f"{row.name}, {row.passing}, {row.dtype}, {row.threads} thread{'s' * (row.threads > 1)}"
    told = "; ".join(f"{one.peer} {one.milliseconds:.3g} ms" for one in timings)
    return _document(LEFT + SCALE + RIGHT, height, title, f"{told}.", body)


def _bar(one: Timing, y: float, most: float) -> Iterator[str]:
    x, over = LEFT + 40, one.milliseconds > most
    wide = BAR * min(one.milliseconds, most) / most
    weight = ' font-weight="650"' if one.ours else ""
    yield f'<text x="{x - 10}" y="{y + 8}" font-size="12" text-anchor="end"{weight}>{escape(one.peer)}</text>'
    yield f'<rect class="{"b-share" if one.ours else "b-bar"}" x="{x}" y="{y}" width="{wide:.1f}" height="16" rx="3"/>'
    words = f"{one.milliseconds:,.0f} ms" + " (beyond the picture)" * over
    yield f'<text class="b-number" x="{x + wide + 6:.1f}" y="{y + 8}" font-size="11">{words}</text>'


def _document(width: float, height: float, title: str, told: str, body: Sequence[str]) -> str:
    light, dark = _rules(LIGHT), _rules(DARK)
    inside = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tconv-bench" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" font-family="{FONT}">\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(told)}</desc>\n"
        f"<style>{light}@media(prefers-color-scheme:dark){{{dark}}}</style>\n"
        f'<rect class="b-ground" width="{width:.0f}" height="{height:.0f}" rx="10"/>\n'
        f'<text x="20" y="22" font-size="15" font-weight="650">{escape(title)}</text>\n{inside}\n</svg>\n')


def _rules(page: Palette) -> str:
    """One page's colours."""
    rules = [
        f"text{{fill:{page.ink};dominant-baseline:central}}", f".b-ground{{fill:{page.ground}}}",
        f".b-quiet,.b-number{{fill:{page.quiet}}}", ".b-number{font-variant-numeric:tabular-nums}",
        f".b-grid,.b-line{{stroke:{page.quiet};stroke-opacity:.22;fill:none}}",
        f".b-one{{stroke:{page.ink};stroke-width:1.5;fill:none}}",
        f".b-slower{{fill:{page.colour('fine')};fill-opacity:.07}}",
        f".b-full{{fill:{page.quiet};fill-opacity:.16}}", f".b-share{{fill:{page.colour('fine')}}}",
        f".b-bar{{fill:{page.quiet};fill-opacity:.55}}",
    ]
    for role in COLOURS:
        colour = page.colour(role)
        rules.append(f".b-{role}{{fill:{colour};stroke:{page.ground};stroke-width:.8}}")
        rules.append(f".b-{role}.b-hollow{{fill:{page.ground};stroke:{colour};stroke-width:1.8}}")
    return "".join(rules)
