"""Results as a section of a page in Markdown, with its pictures beside it; written anew from the JSON at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import DataError
from ..files import write_whole
from ..report.page import duration
from .facts import FROZEN, LIVE, Limits, Results, Row
from .picture import layers_picture, step_picture
from .steps import STEP
from .summary import behind, summaries

__all__ = ["BEGIN", "END", "fill", "pictures", "rest", "section"]

BEGIN, END = "<!-- results: written by `tconv bench --show` -->", "<!-- end of the results -->"
BUSY = 0.05  # of the cores: what is worth saying


def fill(path: Path, results: Results) -> None:
    """Write the results between the two marks of a page, and the pictures into a folder of the page's name.

    Raises:
        DataError: if the page is missing or has no such marks.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give a page in Markdown.") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"{path}: has no lines {BEGIN!r} and {END!r}, between which the results go; add them.")
    for name, svg in pictures(results).items():
        write_whole(path.with_suffix("") / name, svg)
    write_whole(path, f"{before}{BEGIN}\n\n{section(results, path.stem)}\n{END}{after}")


def pictures(results: Results) -> dict[str, str]:
    """Every picture that the results allow, by its file's name."""
    found = {}
    for passing, dtype, threads in _kinds(results):
        if any(row.ours() for row in _rows(results, passing, dtype, threads)):
            found[_name(passing, dtype, threads)] = layers_picture(results, passing=passing, dtype=dtype,
                                                                   threads=threads)
    for row in results.rows:
        if row.passing == STEP and row.timings:
            found[_name(row.name, row.dtype, row.threads)] = step_picture(row)
    return found


def section(results: Results, folder: str) -> str:
    """The page's text; pictures are in this folder."""
    parts = [_machine(results), _limits(results), _summary(results)]
    most = max((row.threads for row in results.rows), default=1)
    for passing, dtype, threads in _kinds(results):
        if threads == most and any(row.ours() for row in _rows(results, passing, dtype, threads)):
            told = f"{passing}, {dtype}, {_threads(threads)}: every peer's time beside ours"
            parts.append(f"![{told}]({folder}/{_name(passing, dtype, threads)})\n")
    parts += [_steps(results, folder), _behind(results), _skipped(results), *_tables(results)]
    return "\n".join(part for part in parts if part)


def _kinds(results: Results) -> list[tuple[str, str, int]]:
    return list(dict.fromkeys((row.passing, row.dtype, row.threads) for row in results.rows if row.passing != STEP))


def _rows(results: Results, passing: str, dtype: str, threads: int) -> list[Row]:
    return [row for row in results.rows if (row.passing, row.dtype, row.threads) == (passing, dtype, threads)]


def _name(what: str, dtype: str, threads: int) -> str:
    return f"{what}-{dtype}-{threads}.svg".replace(" ", "-")


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table in Markdown; these columns are set to the right."""
    line = "|".join("---:" if at in right else "---" for at in range(len(head)))
    return "\n".join([f"| {' | '.join(head)} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _machine(results: Results) -> str:
    here, versions = results.machine, results.versions
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (f"Measured on {results.started[:10]} on {here.cores} cores of {here.cpu} ({here.system}, {here.isa}), in "
            f"{duration(results.seconds)}. {levers(results)}{rest(results)}\n\n{said}.\n")


def levers(results: Results) -> str:
    """What ours had leave to take beside the direct ways."""
    said = [name for key, name in (("winograd", "Winograd's tiles"), ("split", "bfloat16 parts"))
            if results.settings.get(key)]
    return f"Ours by {' or '.join(said)} where they win. " if said else ""


def rest(results: Results) -> str:
    """How far the machine was at rest."""
    shares = sorted(row.bystanders for row in results.rows if row.bystanders is not None)
    if not shares:
        return ""
    busy = sum(share > BUSY for share in shares)
    said = f"Other programs had {shares[len(shares) // 2]:.1%} of the cores in the median task"
    return said + (f", and more than {BUSY:.0%} in {busy} of {len(shares)} tasks." if busy else ".")


def _limits(results: Results) -> str:
    if not results.limits:
        return ""
    rows = [(_threads(one.threads), f"{one.peak / 1e9:.0f}",
             f"{one.bfloat16 / 1e9:.0f}" if one.bfloat16 else "as float32", *_bandwidths(one), one.how)
            for one in results.limits]
    return "The machine's limits, in the same run:\n\n" + table(
        ("", "float32 GFLOP/s", "bfloat16 GFLOP/s", "GB/s, 1 MB", "GB/s, 256 MB", "found by"), rows, (1, 2, 3, 4))


def _bandwidths(limits: Limits) -> tuple[str, str]:
    small, large = (f"{limits.bandwidth(2**power) / 1e9:.0f}" for power in (20, 28))
    return small, large


def _summary(results: Results) -> str:
    rows = []
    for one in summaries(results):
        kernels = one.kernels + (f", {one.dtype} against {one.against}" if one.dtype != one.against else "")
        share = f"{one.fraction:.0%}" if one.fraction else ""
        rows.append((one.passing, one.dtype, str(one.threads), kernels, f"**{one.ratio:.2f}**",
                     f"{one.least[0]:.2f} `{one.least[1]}`", f"{one.won} of {one.layers}", share))
    if not rows:
        return ""
    return ("How many times as fast as the best peer for each layer, the geometric mean; and of the machine's limit, "
            "over layers of more than 10 million operations:\n\n" + table(
                ("", "", "threads", "kernels", "mean", "least", "not slower", "of the limit"), rows, (2, 4, 7)))


def _steps(results: Results, folder: str) -> str:
    parts = []
    for row in results.rows:
        if row.passing == STEP and row.timings:
            name = _name(row.name, row.dtype, row.threads)
            ratio, ours, best = row.ratio(), row.ours(), row.best()
            said = (f"`{row.name}`, {row.dtype}: {ours.peer} takes {ours.milliseconds:,.0f} ms, the best peer, "
                    f"{best.peer}, {best.milliseconds:,.0f} ms: {ratio:.2f} times as fast.\n\n"
                    if ratio and ours and best else "")
            parts.append(f"{said}![a training step of {row.name}, {row.dtype}]({folder}/{name})\n")
    return "## Whole training steps\n\n" + "\n".join(parts) if parts else ""


def _behind(results: Results) -> str:
    lines = []
    for passing, dtype, threads in _kinds(results):
        for kernels in (LIVE, FROZEN):
            found = behind(results, passing, dtype, threads, kernels)
            if found:
                said = ", ".join(f"`{layer}` {ratio:.2f} ({peer})" for ratio, layer, peer in found)
                lines.append(f"- {passing}, {dtype}, {_threads(threads)}, {kernels} kernels: {said}.")
    return "## Where a peer is faster\n\n" + "\n".join(lines) + "\n" if lines else ""


def _skipped(results: Results) -> str:
    """Who took no part, each reason once."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in results.rows:
        for skip in row.skipped:
            told.setdefault((skip.peer, skip.reason), []).append(f"`{row.name}` {row.passing}")
    lines = [f"- {peer}: {reason} ({_few(list(dict.fromkeys(where)))})." for (peer, reason), where in told.items()]
    return "## Who took no part\n\n" + "\n".join(lines) + "\n" if lines else ""


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _tables(results: Results) -> Iterator[str]:
    """Every peer's milliseconds, layer by layer."""
    for kind in _kinds(results):
        passing, dtype, threads = kind
        rows = _rows(results, *kind)
        ours, peers = ([*dict.fromkeys(one.peer for row in rows for one in row.timings if one.ours == mine)]
                       for mine in (True, False))
        kinds = [kernels for kernels in (LIVE, FROZEN) if any(row.ratio(kernels) for row in rows)]
        head = ["layer", *ours, *(f"× {kernels}" for kernels in kinds), "limit", *peers]
        yield (f"## {passing.capitalize()}, {dtype}, {_threads(threads)}\n\nMilliseconds, the least in bold; how many "
               "times as fast as the best peer we are; and the share of the limit that we reach.\n\n"
               + table(head, (_cells(row, ours, kinds, peers) for row in rows), range(1, len(head))))


def _cells(row: Row, ours: Sequence[str], kinds: Sequence[str], peers: Sequence[str]) -> list[str]:
    times = {one.peer: one.milliseconds for one in row.timings}
    least = min(times.values(), default=0.0)
    mine, theirs = ([_milliseconds(times.get(name), least) for name in names] for names in (ours, peers))
    ratios = [f"{row.ratio(kernels):.2f}" if row.ratio(kernels) else "" for kernels in kinds]
    return [f"`{row.name}`", *mine, *ratios, f"{row.fraction:.0%}" if row.fraction else "", *theirs]


def _milliseconds(time: float | None, least: float) -> str:
    if time is None:
        return ""
    said = f"{time:.3g}" if time < 1000 else f"{time:.0f}"
    return f"**{said}**" if time == least else said
