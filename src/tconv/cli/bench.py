"""`tconv bench`: this machine, ours, the peers, and the physical limit."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .. import bench as benches
from ..bench import Event, Limits, Plan, Results, Row, fresh, read, summaries, write
from ..bench.facts import FROZEN, LIVE
from ..bench.page import levers, rest
from ..bench.peers import chosen as chosen_peers
from ..errors import DataError, SettingError
from ..files import check_place
from ..report import duration
from .stop import INTERRUPTED, Stop
from .words import err, numbers, out

__all__ = ["EXAMPLES", "bench"]

EXAMPLES = """Examples:\n
  tconv bench --quick\n
  tconv bench --layers 'dcgan-*,unet-2' --passes forward --threads 1 --seconds 0.1\n
  tconv bench --peers 'PyTorch*' --networks none\n
  tconv bench --resume runs/bench-20260101-120000\n
  tconv bench --show benchmarks/results.json --page docs/benchmarks.md
"""
QUICK = "dcgan-2,dcgan-5-b32,dcgan5x5-3,pix2pix-1,unet-2,same-k3,fsrcnn-x3,fcn-16s,vocoder-2,depthwise-2x"
FILE = "results.json"
SHORT = {"float32": "f32", "bfloat16": "bf16"}


def bench(
    layers: Annotated[str | None, typer.Option(
        metavar="NAMES", help="Only these layers, with commas between; a name may end in *.")] = None,
    layer_list: Annotated[Path | None, typer.Option(
        "--list", metavar="CSV", help="Layers of your own, in columns as the list that comes along has them.")] = None,
    peers: Annotated[str | None, typer.Option(
        metavar="NAMES", help="Only these peers.")] = None,
    passes: Annotated[str | None, typer.Option(
        metavar="NAMES", help="Of forward, input, kernel: the two gradients are those of the input and the kernel."),
    ] = None,
    dtypes: Annotated[str | None, typer.Option(
        metavar="NAMES", help="Of float32, bfloat16; some peers take seconds for a call of the second where the "
                              "processor has no instructions for it.", show_default="float32")] = None,
    threads: Annotated[str | None, typer.Option(
        metavar="COUNTS", help="How many, one after the other.", show_default="1 and as many as cores")] = None,
    networks: Annotated[str | None, typer.Option(
        metavar="NAMES", help="Networks whose training steps are timed; none for no network.",
        show_default="all; none with --layers or --quick")] = None,
    seconds: Annotated[float | None, typer.Option(
        help="For each peer and task, in all its turns.", show_default="0.2")] = None,
    turns: Annotated[int | None, typer.Option(help="How many turns each has.", show_default="5")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Ten layers, a tenth of a second each: minutes.")] = False,
    out_folder: Annotated[Path | None, typer.Option(
        "--out", metavar="DIR", help="Where the results go.", show_default="runs/bench-TIME")] = None,
    resume: Annotated[Path | None, typer.Option(
        metavar="DIR", help="Go on with an interrupted run; with the same options.")] = None,
    show: Annotated[Path | None, typer.Option(
        metavar="JSON", help="Measure nothing: show these results.")] = None,
    page: Annotated[Path | None, typer.Option(
        metavar="MARKDOWN", help="Write the results into this page, between its two marks, with pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Time every layer of a list, and whole training steps: ours, other frameworks, and what the machine could do.

    All compute the same numbers, or are left out; the same threads for all; warm, in turns, medians. Leave the machine
    alone meanwhile. Stop it with Ctrl-C: what is done is kept, and --resume goes on.
    """
    if show is not None:
        _tell(read(show), page, as_json)
        return
    if resume is not None and out_folder is not None:
        raise SettingError(f"bench: --out is {out_folder}, but --resume goes on in {resume}; leave --out out.")
    plan = _plan(layers, layer_list, peers, passes, dtypes, threads, networks, seconds, turns, quick)
    run = resume or out_folder or Path("runs") / f"bench-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    try:
        with Stop("turn") as stop:
            results = _measure(plan, run, resume is not None, stop)
    except KeyboardInterrupt:
        err().print(f"Stopped; go on with the same options and --resume {run}", markup=False, soft_wrap=True)
        sys.exit(INTERRUPTED)
    _tell(results, page, as_json)
    err().print(f"results   {run / FILE}", markup=False, soft_wrap=True)


def _plan(names: str | None, listed: Path | None, peers: str | None, passes: str | None, dtypes: str | None,
          threads: str | None, networks: str | None, seconds: float | None, turns: int | None, quick: bool) -> Plan:
    """The options as a plan."""
    known = benches.layers(listed) if listed else benches.layers()
    given: dict[str, Any] = {
        "layers": benches.chosen(known, _names(names or (QUICK if quick and not listed else None))),
        "peers": chosen_peers(benches.PEERS, _names(peers)),
        "steppers": benches.STEPPERS,
        "passes": _passes(passes), "dtypes": tuple(_names(dtypes)) or None,
        "threads": numbers("threads", threads),
        "networks": _networks(networks, default=not (names or quick or listed)),
        "seconds": seconds or (0.1 if quick else None), "turns": turns or (3 if quick else None)}
    return Plan(**{name: value for name, value in given.items() if value is not None})


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def _passes(text: str | None) -> tuple[str, ...]:
    """Passes by their names or the first word of them."""
    wanted = _names(text)
    for name in wanted:
        if not any(passing.split()[0] == name.split()[0] for passing in benches.PASSES):
            raise SettingError(f"bench: passes has {name!r}, which is none of forward, input, kernel.")
    return tuple(passing for passing in benches.PASSES
                 if not wanted or passing.split()[0] in {name.split()[0] for name in wanted})


def _networks(text: str | None, *, default: bool) -> tuple[Any, ...]:
    if text is None:
        return tuple(benches.NETWORKS.values()) if default else ()
    wanted = [name for name in _names(text) if name != "none"]
    for name in wanted:
        if name not in benches.NETWORKS:
            raise SettingError(f"bench: networks has {name!r}, which is none of {', '.join(benches.NETWORKS)}, none.")
    return tuple(benches.NETWORKS[name] for name in wanted)


def _measure(plan: Plan, run: Path, goes_on: bool, stop: Stop) -> Results:
    path = run / FILE
    if not goes_on and path.exists():
        raise DataError(f"{run}: holds results already; go on with --resume {run}, or give another --out.")
    results = read(path) if goes_on else fresh(plan)
    check_place(run)
    console = err()
    console.print(f"{results.machine.cpu}, {results.machine.isa}, {results.machine.cores} cores; {plan.count} tasks",
                  markup=False)
    with Display(console, plan, results) as display:

        def watch(event: Event) -> None:
            display(event)
            stop.check()

        stop.check()
        return benches.bench(plan, results, keep=lambda found: write(found, path), watch=watch)


class Display:
    """Rows as they come in, over a bar that says what is at work; used as a context and called with each event."""

    def __init__(self, console: Console, plan: Plan, results: Results):
        self.console = console
        self.bar = Progress(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                            TextColumn("{task.fields[said]}"), console=console, transient=True)
        self.task = self.bar.add_task("", total=plan.count, completed=len(results.rows), said="")

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self.bar.start()
        self.console.print(_head(), soft_wrap=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, event: Event) -> None:
        self.bar.update(self.task, completed=event.done, said=event.now)
        if event.limits:
            self.console.print(_limits(event.limits), style="bold", soft_wrap=True)
        if event.row:
            self.console.print(_line(event.row), soft_wrap=True)


def _limits(one: Limits) -> str:
    return (f"{one.threads} thread{'s' * (one.threads > 1)}: {one.peak / 1e9:.0f} GFLOP/s by {one.how}; "
            f"{one.bandwidth(2**20) / 1e9:.0f} GB/s within 1 MB, {one.bandwidth(2**28) / 1e9:.0f} within 256 MB")


def _head() -> Text:
    first = f"{'layer':<18}{'pass':<16}{'dtype':<6}{'thr.':>4}{'ours ms':>10}  "
    return Text(f"{first}{'times as fast as the best live':<35}{'and the best frozen peer':<37}{'limit':>6}", "dim")


def _line(row: Row) -> Text:
    """A row as one line: ours, how many times as fast as which peer, and the share of the limit."""
    ours = row.ours()
    text = Text(f"{row.name:<18}{row.passing:<16}{SHORT[row.dtype]:<6}{row.threads:>4}")
    text.append(f"{ours.milliseconds:>10.3f}  " if ours else f"{'-':>10}  ", "bold")
    for kernels, wide in ((LIVE, 35), (FROZEN, 37)):
        ratio, best = row.ratio(kernels), row.best(kernels)
        said = f"{f'{ratio:.2f} ' if ratio else ''}{best.peer} {best.milliseconds:.3g}" if best else ""
        text.append(f"{said:<{wide}}", _colour(ratio))
    return text.append(f"{row.fraction:>6.0%}" if row.fraction else "")


def _colour(ratio: float | None) -> str:
    return "" if ratio is None else "green" if ratio >= 1 else "yellow" if ratio >= 0.95 else "red"


def _tell(results: Results, page: Path | None, as_json: bool) -> None:
    """The results as whatever was asked for."""
    if page is not None:
        benches.fill(page, results)
        err().print(f"page      {page}", markup=False, soft_wrap=True)
    if as_json:
        print(results.json(), end="")
        return
    console = out()
    if page is None:
        console.print(_head(), soft_wrap=True)
        for row in results.rows:
            console.print(_line(row), soft_wrap=True)
    console.print(_summary(results))
    for line in _skips(results.rows):
        console.print(line, markup=False)
    said = levers(results) + rest(results)
    console.print(f"{len(results.rows)} tasks in {duration(results.seconds)}. {said}", markup=False)


def _summary(results: Results) -> Table:
    table = Table(title="How many times as fast as the best peer for each layer", title_justify="left", box=None,
                  pad_edge=False)
    for name in ("pass", "dtype", "threads", "kernels", "mean", "least", "", "not slower", "of the limit"):
        table.add_column(name, justify="right" if name in ("threads", "mean", "least", "of the limit") else "left")
    for one in summaries(results):
        against = "" if one.dtype == one.against else f" against {one.against}"
        share = f"{one.fraction:.0%}" if one.fraction else ""
        table.add_row(one.passing, one.dtype + against, str(one.threads), one.kernels, f"{one.ratio:.2f}",
                      f"{one.least[0]:.2f}", one.least[1], f"{one.won} of {one.layers}", share)
    return table


def _skips(rows: Sequence[Row]) -> list[str]:
    """Who took no part, each reason once."""
    told = dict.fromkeys((skip.peer, skip.reason) for row in rows for skip in row.skipped)
    return [f"left out: {peer}: {reason}" for peer, reason in told]
