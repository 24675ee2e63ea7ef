"""The whole measurement, task by task; what is done is kept, and not done again."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .. import engine
from ..errors import DataError, SettingError
from ..geometry import whole
from ..report.machine import machine, versions
from .cases import DTYPES, PASSES, Layer, Task, draw, expected, layers
from .crew import Crew
from .facts import Limits, Results, Row
from .peers import PEERS, Peer
from .quiet import Bystanders
from .steppers import STEPPERS
from .steps import NETWORKS, Network, Step
from .turns import prepared, timed

__all__ = ["Event", "Plan", "bench", "fresh"]

STEP_TIMES = 8  # a training step has so many times the seconds of a layer


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Args:
        layers: of the list.
        passes: names in `PASSES`.
        dtypes: "float32", "bfloat16".
        threads: how many, one after the other.
        peers: for layers.
        networks: for training steps, at the most threads.
        steppers: for training steps.
        seconds: for each peer in each task, in all its turns together.
        turns: how many.
    """

    layers: tuple[Layer, ...] = layers()
    passes: tuple[str, ...] = tuple(PASSES)
    dtypes: tuple[str, ...] = ("float32",)
    threads: tuple[int, ...] = field(default_factory=lambda: tuple(sorted({1, machine().cores})))
    peers: tuple[Peer, ...] = PEERS
    networks: tuple[Network, ...] = tuple(NETWORKS.values())
    steppers: tuple[Peer, ...] = STEPPERS
    seconds: float = 0.2
    turns: int = 5

    def __post_init__(self) -> None:
        cores = machine().cores
        for count in self.threads:
            whole("bench", "threads", count, 1)
            if count > cores:
                raise SettingError(f"bench: threads is {count}, but this process may run on {cores} cores; take fewer.")
        whole("bench", "turns", self.turns, 1)
        if not 0 < self.seconds < 3600:
            raise SettingError(f"bench: seconds is {self.seconds!r}, but has to be above 0, as 0.2 is.")
        for name, given, known in (("passes", self.passes, PASSES), ("dtypes", self.dtypes, DTYPES)):
            for one in given:
                if one not in known:
                    raise SettingError(f"bench: {name} has {one!r}, which is none of {', '.join(known)}.")

    def settings(self) -> dict[str, Any]:
        """As results tell them."""
        return {"layers": [one.name for one in self.layers], "passes": list(self.passes), "dtypes": list(self.dtypes),
                "threads": list(self.threads), "peers": [one.name for one in self.peers],
                "networks": [one.name for one in self.networks], "steppers": [one.name for one in self.steppers],
                "seconds": self.seconds, "turns": self.turns, "winograd": engine.winograd(),
                "split": engine.split()}

    def tasks(self, threads: int) -> Iterator[Task]:
        """Layer by layer."""
        for layer in self.layers:
            for dtype in self.dtypes:
                yield from (Task(layer, passing, dtype, threads) for passing in self.passes)

    def steps(self) -> Iterator[Step]:
        """Network by network."""
        for network in self.networks:
            yield from (Step(network, dtype, max(self.threads)) for dtype in self.dtypes)

    @property
    def count(self) -> int:
        """How many rows there will be."""
        return len(self.layers) * len(self.dtypes) * len(self.passes) * len(self.threads) + len(list(self.steps()))


@dataclass(frozen=True, slots=True)
class Event:
    """What a display is told: how many tasks are done, what is at work, and a row that has come in."""

    done: int
    now: str
    row: Row | None = None
    limits: Limits | None = None


Watch = Callable[[Event], None]
Keep = Callable[[Results], None]


def fresh(plan: Plan) -> Results:
    """Results without a row."""
    packages = {package for peer in (*plan.peers, *plan.steppers) for package in peer.packages.values()}
    return Results(machine(), versions(("numpy", *sorted(packages))), plan.settings(),
                   datetime.datetime.now().astimezone().isoformat(timespec="minutes"))


def bench(plan: Plan, results: Results, *, keep: Keep = lambda _: None, watch: Watch = lambda _: None) -> Results:
    """Measure what is not in the results yet.

    Args:
        plan: what to measure.
        results: from `fresh`, or those of a run of the same plan that was interrupted.
        keep: called with the results after each row.
        watch: called before and after each row, and between turns; may raise to stop.

    Raises:
        DataError: if the results are of another plan, machine or versions.
    """
    _check(plan, results)
    session = Session(plan, keep, watch, time.perf_counter() - results.seconds)
    for threads in plan.threads:
        results = _layers(session, threads, results)
    for step in plan.steps():
        results = _network(session, step, results)
    return results


@dataclass(frozen=True, slots=True)
class Session:
    """What all parts of a run share; `began` is when it would have begun without an interruption."""

    plan: Plan
    keep: Keep
    watch: Watch
    began: float


def _check(plan: Plan, results: Results) -> None:
    now = fresh(plan)
    for name in ("settings", "versions", "machine"):
        if getattr(now, name) != getattr(results, name):
            raise DataError(f"bench: the run was started with other {name}: {_difference(results, now, name)}; start a "
                            "new one.")


def _difference(was: Results, now: Results, name: str) -> str:
    before, after = (json.loads(one.json())[name] for one in (was, now))
    return ", ".join(f"{key} was {before.get(key)}, is {after.get(key)}" for key in before | after
                     if before.get(key) != after.get(key))


def _layers(session: Session, threads: int, results: Results) -> Results:
    """All layers on so many threads."""
    plan, watch = session.plan, session.watch
    done = {row.key for row in results.rows}
    tasks = [task for task in plan.tasks(threads) if _key(task) not in done]
    if not tasks:
        return results
    watch(Event(len(results.rows), f"limits of the machine, {_threads(threads)}"))
    results = _limited(results, threads)
    watch(Event(len(results.rows), f"starting the peers, {_threads(threads)}", limits=results.limit(threads)))
    with Crew(plan.peers, threads) as crew, TemporaryDirectory() as folder:
        held: tuple[Layer, str] | None = None
        for task in tasks:
            if held != (held := (task.layer, task.dtype)):
                _draw(task, plan.passes, Path(folder))
            results = _measured(session, crew, task, Path(folder), plan.seconds, results)
    return results


def _network(session: Session, step: Step, results: Results) -> Results:
    """A network's training step."""
    if _key(step) in {row.key for row in results.rows}:
        return results
    results = _limited(results, step.threads)
    session.watch(Event(len(results.rows), f"starting frameworks for {step.name}"))
    with Crew(session.plan.steppers, step.threads) as crew, TemporaryDirectory() as folder:
        return _measured(session, crew, step, Path(folder), STEP_TIMES * session.plan.seconds, results)


def _measured(session: Session, crew: Crew, task: Task | Step, folder: Path, seconds: float,
              results: Results) -> Results:
    """The results with one row more."""
    bystanders = Bystanders(crew.pids())
    said = f"{task.name}, {task.passing}, {task.dtype}, {_threads(task.threads)}"

    def check() -> None:
        session.watch(Event(len(results.rows), said))

    check()
    entries = prepared(crew, task, folder)
    timings = timed(crew, entries, seconds=seconds, turns=session.plan.turns, check=check, rest=isinstance(task, Step))
    limits = results.limit(task.threads)
    assert limits is not None
    row = Row(task.name, task.passing, task.dtype, task.threads, task.cost.multiply_adds, task.cost.bytes,
              1e3 * limits.seconds(task.cost, task.dtype), timings, crew.skipped(), bystanders.share())
    grown = replace(results, rows=(*results.rows, row), seconds=round(time.perf_counter() - session.began, 1))
    session.keep(grown)
    session.watch(Event(len(grown.rows), said, row))
    return grown


def _key(task: Task | Step) -> tuple[str, str, str, int]:
    return task.name, task.passing, task.dtype, task.threads


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _draw(task: Task, passes: Sequence[str], folder: Path) -> None:
    """The arrays of a layer and what each pass has to give, as files that all processes read."""
    arrays = draw(task.layer, task.dtype)
    for name, array in arrays._asdict().items():
        np.save(folder / f"{name}.npy", array)
    for passing in passes:
        np.save(folder / f"{passing}.npy", expected(passing, arrays, task.layer.problem))


def _limited(results: Results, threads: int) -> Results:
    """The results with the limits for so many threads, measured in a process of their own."""
    if results.limit(threads):
        return results
    done = subprocess.run([sys.executable, "-m", f"{__package__}.limits", str(threads)], capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"bench: the limits of this machine could not be measured: {done.stderr.strip()[-300:]}")
    return replace(results, limits=(*results.limits, Limits.of(json.loads(done.stdout))))
