"""All peers at work side by side, each in its process; who fails is noted, and the others go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .facts import Skip
from .peers.peer import Peer
from .process import Failed, Lost, Process

__all__ = ["Crew"]

MOST_STARTS = 3


class Crew:
    """The processes of these peers, as a context.

    Args:
        peers: who.
        threads: how many each may have.
    """

    def __init__(self, peers: Sequence[Peer], threads: int):
        self.peers = {peer.name: peer for peer in peers}
        self.threads = threads
        self.processes: dict[str, Process] = {}
        self.starts = dict.fromkeys(self.peers, 0)
        self.gone = {peer.name: peer.missing for peer in peers if peer.missing}
        self.reasons: dict[str, str] = {}

    def __enter__(self) -> Crew:
        self._start(name for name in self.peers if name not in self.gone)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.close()

    def begin(self, passing: str, dtype: str) -> list[str]:
        """Who takes part in a task; who ended in the last one is started again."""
        able = [name for name, peer in self.peers.items() if peer.serves(passing, dtype)]
        self._start(name for name in able if name not in self.gone and name not in self.processes)
        self.reasons = {name: self.gone[name] for name in able if name in self.gone}
        return [name for name in able if name in self.processes]

    def ask(self, name: str, **order: Any) -> dict[str, Any] | None:
        """One peer's answer; None if it has none, and why is noted."""
        return self.ask_all({name: order}).get(name)

    def ask_all(self, orders: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The answers of those that have one, all at work at the same time; who has ended has none."""
        answers: dict[str, dict[str, Any]] = {}
        for name in [name for name in orders if name in self.processes]:
            with self._noting(name):
                self.processes[name].send(**orders[name])
        for name in [name for name in orders if name in self.processes]:
            with self._noting(name):
                answers[name] = self.processes[name].answer()
        return answers

    def pids(self) -> list[int]:
        """The numbers of all processes."""
        return [process.process.pid for process in self.processes.values()]

    def skip(self, name: str, reason: str) -> None:
        """Leave a peer out of this task."""
        self.reasons[name] = reason

    def skipped(self) -> tuple[Skip, ...]:
        """Who took no part in the task, and why."""
        return tuple(Skip(name, reason) for name, reason in self.reasons.items())

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        """Note why a peer has no answer; one that ended leaves."""
        try:
            yield
        except Failed as error:
            self.skip(name, str(error))
        except Lost as error:
            self.skip(name, str(error))
            self.processes.pop(name).close()
            if self.starts[name] >= MOST_STARTS:
                self.gone[name] = f"given up after {MOST_STARTS} starts: {error}"

    def _start(self, names: Iterable[str]) -> None:
        """Start processes; they import their frameworks at the same time."""
        started = list(names)
        for name in started:
            self.processes[name] = Process(self.peers[name], self.threads)
            self.starts[name] += 1
        for name in started:
            try:
                self.processes[name].answer()
            except (Failed, Lost) as error:
                self.gone[name] = str(error)
                self.processes.pop(name).close()
