"""Whether a machine is at rest but for us: what a measurement is worth."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Bystanders"]

PROC = Path("/proc")
LEAST = 1.0  # seconds; the system counts in hundredths


class Bystanders:
    """The share of all cores that other programs, and the host's other guests, have from now on.

    Args:
        pids: processes that are ours, beside this one.
    """

    def __init__(self, pids: Iterable[int]):
        self.pids = (*pids, os.getpid())
        self.start = time.perf_counter(), self._others()

    def share(self) -> float | None:
        """From 0 to 1; None where the system does not tell, or too little time has passed."""
        (began, before), now = self.start, self._others()
        seconds = time.perf_counter() - began
        if before is None or now is None or seconds < LEAST:
            return None
        return round(min(max((now - before) / seconds / (os.cpu_count() or 1), 0.0), 1.0), 3)

    def _others(self) -> float | None:
        """Seconds that all cores have been at work for others, or were taken away."""
        try:
            words = (PROC / "stat").read_text().split("\n", 1)[0].split()
        except OSError:
            return None
        user, nice, system, _idle, _waiting, irq, soft, steal = map(int, words[1:9])
        busy = user + nice + system + irq + soft + steal
        return (busy - sum(map(_ticks, self.pids))) / float(os.sysconf("SC_CLK_TCK"))


def _ticks(pid: int) -> int:
    """A process's time at work; none if it has ended."""
    try:
        words = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[11]) + int(words[12])
