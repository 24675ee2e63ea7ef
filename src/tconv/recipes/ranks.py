"""Training on many processes at once: who they are, and how they meet before the first step.

All greet rank 0, which looks whether they are about to do the same and lets them begin; then JAX's multi-process
runtime connects them. How they learn together from there is in `together`.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import RankError, SettingError
from .pulse import SILENCE, Pulse

__all__ = ["HEARTBEAT", "Ranks"]

ADDRESS, COUNT, RANK = (f"KERAS_DISTRIBUTION_{word}" for word in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID"))
HEARTBEAT = int(2 * SILENCE)  # seconds until JAX ends all that wait for a silent one; ours says who it is before
GREETING = 4096  # bytes that a greeting may have


@dataclass(frozen=True, slots=True)
class Ranks:
    """One process of a training on many.

    Args:
        host: of rank 0, where all meet.
        port: on it.
        count: how many processes there are.
        rank: which this one is, from 0.
        patience: seconds that they wait for one another at the start.
    """

    host: str
    port: int
    count: int
    rank: int
    patience: float = 300.0
    pulses: list[Pulse] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def from_environment(cls, patience: float = 300.0) -> Ranks:
        """As a launcher tells it, by the variables that Keras names.

        Raises:
            SettingError: if one is missing or says what cannot be.
        """
        told = {name: os.environ.get(name, "") for name in (ADDRESS, COUNT, RANK)}
        missing = [name for name, value in told.items() if not value]
        if missing:
            raise SettingError(f"train: --distributed needs {_and(missing)} in the environment of each process: "
                               f"{ADDRESS}=HOST:PORT of rank 0, {COUNT}, and its own number from 0 as {RANK}.")
        host, _, port = told[ADDRESS].split(",")[0].rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise SettingError(f"train: {ADDRESS} is {told[ADDRESS]!r}, but has to be HOST:PORT of rank 0, as in "
                               "node1:29500.")
        for name in (COUNT, RANK):
            if not told[name].isdecimal():
                raise SettingError(f"train: {name} is {told[name]!r}, but has to be a whole number.")
        count, rank = int(told[COUNT]), int(told[RANK])
        if rank >= count:
            raise SettingError(f"train: {RANK} is {rank}, but with {COUNT}={count} it has to be 0 to {count - 1}.")
        return cls(host, port=int(port), count=count, rank=rank, patience=patience)

    @property
    def leads(self) -> bool:
        """Whether this one writes, draws and reports."""
        return self.rank == 0

    def check(self, settings: Any) -> None:
        """Look at what all ranks could be told before they meet.

        Raises:
            SettingError: if the backend is not JAX, or batches do not divide among the ranks.
        """
        if settings.backend != "jax":
            raise SettingError(f"train: backend is {settings.backend!r}, but --distributed needs 'jax', whose runtime "
                               "connects the processes; leave --backend out.")
        if settings.batch_size % self.count:
            near = max(self.count, round(settings.batch_size / self.count) * self.count)
            raise SettingError(f"train: batch_size is {settings.batch_size}, but has to be a multiple of the "
                               f"{self.count} processes, as {near} is.")

    def meet(self, about: Mapping[str, Any]) -> None:
        """Wait until all are there and say the same of what they are about to do; then connect JAX.

        Args:
            about: what has to be alike on all ranks: the settings, the data's digest, the versions.

        Raises:
            RankError: if some never come, or one is about to do something else.
        """
        lines = self._greet(about)
        if lines:
            self.pulses.append(Pulse(lines))
        import jax

        # Rank 0 serves on the address that the others were given, and not on every one that its machine has.
        jax.distributed.initialize(f"{self.host}:{self.port}", self.count, self.rank,
                                   coordinator_bind_address=f"{self.host}:{self.port}",
                                   initialization_timeout=max(1, int(self.patience)),
                                   heartbeat_timeout_seconds=HEARTBEAT)

    def _greet(self, about: Mapping[str, Any]) -> dict[int, socket.socket]:
        """The lines on which all have met, by rank; they stay open."""
        said = json.dumps(about, sort_keys=True)
        if self.count == 1:
            return {}
        return _lead(self, said) if self.leads else {0: _join(self, said)}

    def part(self) -> None:
        """Take leave of the others; what is computed from here on is this process's own."""
        import jax

        jax.distributed.shutdown()
        for pulse in self.pulses:
            pulse.stop()


def _lead(ranks: Ranks, said: str) -> dict[int, socket.socket]:
    """Rank 0: take one greeting from each other rank, then tell all that they may begin, or what is wrong."""
    there: dict[int, tuple[socket.socket, str]] = {}
    end = time.monotonic() + ranks.patience
    try:
        with socket.create_server((ranks.host, ranks.port)) as server:
            while len(there) < ranks.count - 1:
                missing = [str(rank) for rank in range(1, ranks.count) if rank not in there]
                server.settimeout(max(0.01, end - time.monotonic()))
                try:
                    line, _ = server.accept()
                except TimeoutError:
                    wrong = (f"rank {_and(missing)} did not come to {ranks.host}:{ranks.port} within "
                             f"{ranks.patience:g} s")
                    _answer(there, wrong)
                    raise RankError(f"train: {wrong}; start all {ranks.count} processes, with the same address, or "
                                    "wait longer with --wait.") from None
                greeting = _greeting(line)
                if greeting is None:
                    line.close()
                    continue
                there[greeting[0]] = line, greeting[1]
    except OSError as error:
        raise RankError(f"train: rank 0 cannot listen on {ranks.host}:{ranks.port} ({error.strerror or error}); give "
                        f"an address of this machine and a free port in {ADDRESS}.") from None
    odd = sorted(rank for rank, (_, other) in there.items() if other != said)
    wrong = _difference(odd[0], json.loads(said), json.loads(there[odd[0]][1])) if odd else ""
    _answer(there, wrong)
    if wrong:
        raise RankError(f"train: {wrong}; give all processes the same command and data.")
    return {rank: line for rank, (line, _) in there.items()}


def _join(ranks: Ranks, said: str) -> socket.socket:
    """The others: greet rank 0 as soon as it is there, and wait for its word."""
    end = time.monotonic() + ranks.patience
    line = None
    while line is None:
        try:
            line = socket.create_connection((ranks.host, ranks.port), timeout=1.0)
        except OSError as error:
            if time.monotonic() > end:
                raise RankError(f"train: rank {ranks.rank} waited {ranks.patience:g} s for rank 0 at "
                                f"{ranks.host}:{ranks.port} ({error.strerror or error}); start it, with the same "
                                "address, or wait longer with --wait.") from None
            time.sleep(0.1)
    try:
        line.settimeout(ranks.patience + 10)  # rank 0 gives up first, and says why
        line.sendall(json.dumps([ranks.rank, said]).encode() + b"\n")
        answer = line.makefile("rb", buffering=0).readline(GREETING).decode()
    except OSError:
        answer = ""
    if answer == "\n":
        return line
    with line:
        raise RankError(f"train: rank {ranks.rank} met rank 0, which then ended: {answer.strip() or 'without a word'}; "
                        "start all processes again.")


def _greeting(line: socket.socket) -> tuple[int, str] | None:
    """A rank's number and what it says; None from whoever is no rank."""
    try:
        line.settimeout(5.0)
        rank, said = json.loads(line.makefile("rb").readline(GREETING))
        return int(rank), str(said)
    except (OSError, ValueError, TypeError):
        return None


def _answer(there: Mapping[int, tuple[socket.socket, str]], wrong: str) -> None:
    for line, _ in there.values():
        try:
            line.sendall(wrong.encode() + b"\n")
            if wrong:
                line.close()
        except OSError:  # it is gone; JAX's own meeting will say so
            pass


def _difference(rank: int, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    name = next(name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name))
    return f"rank {rank} has {name} {theirs.get(name)!r} where rank 0 has {ours.get(name)!r}"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
