"""One task: everyone prepares it and proves to compute the same, and then all take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .cases import Task
from .crew import Crew
from .facts import Timing
from .steps import Step

__all__ = ["Entry", "prepared", "timed"]

SETTLE = 0.003  # seconds; threads of a loop that has ended stay awake for a moment
TRIAL = 0.01  # seconds
BEHIND = 4.0  # times as slow as the fastest: one turn is enough
LONG = 1e3  # milliseconds of a call: where it is far behind, its trial is enough
SAME_LOSS = {"float32": 1e-3, "bfloat16": 3e-2}


@dataclass
class Entry:
    """A peer in a task: its way, its error, and the milliseconds of its calls, turn by turn."""

    peer: str
    way: str
    error: float | None
    trial: float
    turns: list[list[float]] = field(default_factory=list)

    def timing(self, crew: Crew) -> Timing:
        """What is kept of it."""
        turns = self.turns or [[self.trial]]
        medians = [statistics.median(turn) for turn in turns]
        calls = [one for turn in turns for one in turn]
        return crew.peers[self.peer].timing(self.way, statistics.median(calls), min(medians), max(medians), len(calls),
                                            self.error)


def prepared(crew: Crew, task: Task | Step, folder: Path) -> list[Entry]:
    """Those that compute the task, each with its fastest way."""
    names = crew.begin(task.passing, task.dtype)
    found = _layer(crew, task, folder, names) if isinstance(task, Task) else _step(crew, task, folder, names)
    tried = (_quickest(crew, name, ways) for name, ways in found.items())
    return [entry for entry in tried if entry]


def _layer(crew: Crew, task: Task, folder: Path, names: list[str]) -> dict[str, dict[str, float | None]]:
    """Each peer's ways with their errors; each compares with the expected result by itself, all at the same time."""
    order = {"do": "prepare", "kind": "layer", "task": task.plain(), "folder": str(folder)}
    answers = crew.ask_all(dict.fromkeys(names, order))
    return {name: answer["ways"] for name, answer in answers.items()}


def _step(crew: Crew, task: Step, folder: Path, names: list[str]) -> dict[str, dict[str, float | None]]:
    """Each peer's ways whose losses are those that most have; one after the other, for a step takes much memory."""
    order = {"do": "prepare", "kind": "step", "task": task.plain(), "folder": str(folder)}
    losses: dict[tuple[str, str], list[float]] = {}
    for name in names:
        answer = crew.ask(name, **order)
        losses |= {(name, way): told for way, told in (answer["losses"] if answer else {}).items()}
        crew.ask(name, do="rest")
    return _agreeing(crew, losses, SAME_LOSS[task.dtype])


def _agreeing(crew: Crew, losses: Mapping[tuple[str, str], list[float]],
              tolerance: float) -> dict[str, dict[str, float | None]]:
    middle = np.nanmedian(list(losses.values()), axis=0) if losses else np.zeros(0)
    found: dict[str, dict[str, float | None]] = {}
    others: dict[str, list[float]] = {}
    for (name, way), told in losses.items():
        if np.allclose(told, middle, rtol=tolerance, atol=0):
            found.setdefault(name, {})[way] = None
        else:
            others[name] = told
    for name in others.keys() - found.keys():
        crew.skip(name, f"trains otherwise: its losses are {others[name]}, where most have {middle.tolist()}")
    return found


def _quickest(crew: Crew, name: str, ways: Mapping[str, float | None]) -> Entry | None:
    """The way that is the fastest in one call after another."""
    found = []
    for way, error in ways.items():
        answer = crew.ask(name, do="turn", way=way, seconds=TRIAL)
        if answer is None:
            return None
        found.append(Entry(name, way, error, statistics.median(answer["times"])))
    return min(found, key=lambda entry: entry.trial, default=None)


def timed(crew: Crew, entries: list[Entry], *, seconds: float, turns: int, check: Callable[[], None],
          rest: bool) -> tuple[Timing, ...]:
    """Let all take turns, each time another one first; those that are far behind have one turn.

    Args:
        crew: the peers.
        entries: who takes part, prepared.
        seconds: of each in all its turns together.
        turns: how many.
        check: called between turns; may raise.
        rest: whether each gives its memory back after a turn.
    """
    fastest = min((entry.trial for entry in entries), default=0.0)
    for turn in range(turns):
        first = turn * len(entries) // turns
        for entry in entries[first:] + entries[:first]:
            check()
            if entry.peer not in crew.reasons and (_wanted(entry, turn, fastest)):
                _turn(crew, entry, seconds / turns, rest)
    return tuple(entry.timing(crew) for entry in entries if entry.peer not in crew.reasons)


def _wanted(entry: Entry, turn: int, fastest: float) -> bool:
    behind = entry.trial > BEHIND * fastest
    return not behind or (turn == 0 and entry.trial < LONG)


def _turn(crew: Crew, entry: Entry, seconds: float, rest: bool) -> None:
    time.sleep(SETTLE)
    answer = crew.ask(entry.peer, do="turn", way=entry.way, seconds=seconds)
    if answer:
        entry.turns.append(answer["times"])
    if rest:
        crew.ask(entry.peer, do="rest")
