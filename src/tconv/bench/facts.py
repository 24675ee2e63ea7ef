"""What was measured, as frozen data: written as JSON, and drawn by others."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import write_whole
from ..geometry import Cost
from ..report.machine import Machine

__all__ = ["FROZEN", "LIVE", "Limits", "Results", "Row", "Skip", "Timing", "read", "write"]

FORMAT = 1
LIVE, FROZEN = "live", "frozen"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the machine can do at most on so many threads.

    Args:
        threads: how many were at work at once.
        peak: floating-point operations a second, float32.
        bfloat16: the same for products of bfloat16, where the processor has instructions for them; else None.
        how: how the peak was found.
        copy: pairs of bytes that are read and written, and bytes a second at that size.
        read: the same where they are only read.
    """

    threads: int
    peak: float
    bfloat16: float | None
    how: str
    copy: tuple[tuple[int, float], ...]
    read: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Limits:
        """From JSON."""
        return cls(**{**_only(cls, plain), "copy": _pairs(plain["copy"]), "read": _pairs(plain["read"])})

    def bandwidth(self, size: int) -> float:
        """Bytes a second where a layer touches so many bytes, again and again: the better of reading and copying."""
        return max(_between(self.copy, size), _between(self.read, size))

    def seconds(self, cost: Cost, dtype: str) -> float:
        """The least time for this work: that of its multiply-adds or that of its bytes."""
        peak = self.bfloat16 if dtype == "bfloat16" and self.bfloat16 else self.peak
        arithmetic = 2 * cost.multiply_adds / peak
        return max(arithmetic, cost.bytes / self.bandwidth(cost.bytes)) if cost.bytes else arithmetic


def _between(steps: tuple[tuple[int, float], ...], size: int) -> float:
    sizes, rates = zip(*steps, strict=True)
    return float(np.interp(math.log(max(size, 1)), np.log(sizes), rates))


@dataclass(frozen=True, slots=True)
class Timing:
    """One peer's time for a task.

    Args:
        peer: its name.
        kernels: "live" if the kernel is given with each call, "frozen" if it was laid out before.
        ours: whether it is ours.
        way: which of the peer's ways was its fastest.
        milliseconds: median of all calls.
        low, high: the lowest and the highest median of one turn.
        calls: how many were counted.
        error: distance from the float64 result over the length of that; None where losses were compared.
    """

    peer: str
    kernels: str
    ours: bool
    way: str
    milliseconds: float
    low: float
    high: float
    calls: int
    error: float | None


@dataclass(frozen=True, slots=True)
class Skip:
    """A peer that took no part, and why."""

    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """Everyone's time for one task.

    Args:
        name: of the layer, or of the network.
        passing: which pass over it.
        dtype: of the arrays.
        threads: how many each had.
        multiply_adds: useful ones, counted exactly.
        bytes: of what has to be touched once; 0 where only the multiply-adds are counted.
        limit: the machine's least time, in milliseconds.
        timings: of all who computed the same.
        skipped: the others.
        bystanders: the share of the machine's cores that other programs had meanwhile, 0..1; None if nobody knows.
    """

    name: str
    passing: str
    dtype: str
    threads: int
    multiply_adds: int
    bytes: int
    limit: float
    timings: tuple[Timing, ...]
    skipped: tuple[Skip, ...]
    bystanders: float | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What tells this row from all others."""
        return self.name, self.passing, self.dtype, self.threads

    def ours(self, kernels: str = LIVE) -> Timing | None:
        """Our best with kernels of this kind; with live ones if we have none that are frozen."""
        return _fastest([one for one in self.timings if one.ours and one.kernels == kernels]) or _fastest(
            [one for one in self.timings if one.ours])

    def best(self, kernels: str = LIVE) -> Timing | None:
        """The fastest peer with kernels of this kind."""
        return _fastest([one for one in self.timings if not one.ours and one.kernels == kernels])

    def ratio(self, kernels: str = LIVE) -> float | None:
        """How many times as fast as the best peer we are; None where one side is missing."""
        ours, best = self.ours(kernels), self.best(kernels)
        return best.milliseconds / ours.milliseconds if ours and best else None

    @property
    def fraction(self) -> float | None:
        """The share of the machine's limit that we reach, with whichever of our ways is the fastest."""
        ours = _fastest([one for one in self.timings if one.ours])
        return self.limit / ours.milliseconds if ours else None


def _fastest(timings: list[Timing]) -> Timing | None:
    return min(timings, key=lambda one: one.milliseconds, default=None)


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run.

    Args:
        machine: where.
        versions: of everything that had a part.
        settings: as they were in force.
        started: date and time, ISO 8601.
        seconds: how long it took, all sessions together.
        limits: one for each number of threads.
        rows: one for each task.
    """

    machine: Machine
    versions: dict[str, str]
    settings: dict[str, Any]
    started: str
    seconds: float = 0.0
    limits: tuple[Limits, ...] = ()
    rows: tuple[Row, ...] = ()

    def limit(self, threads: int) -> Limits | None:
        """The limits for so many threads, if they were measured."""
        return next((one for one in self.limits if one.threads == threads), None)

    def find(self, name: str, passing: str, dtype: str, threads: int) -> Row | None:
        """The row of a task, if it was measured."""
        return next((row for row in self.rows if row.key == (name, passing, dtype, threads)), None)

    def json(self) -> str:
        """All of it, for programs, ratios included."""
        rows = [asdict(row) | {"ratio": {LIVE: row.ratio(LIVE), FROZEN: row.ratio(FROZEN)}, "fraction": row.fraction}
                for row in self.rows]
        return json.dumps({"format": FORMAT, **asdict(self), "rows": rows}, indent=1, allow_nan=False) + "\n"


def write(results: Results, path: Path) -> None:
    """Put results there, whole."""
    write_whole(path, results.json())


def read(path: Path) -> Results:
    """Results as `write` left them.

    Raises:
        DataError: if the file is missing, or holds something else.
    """
    try:
        plain = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); `tconv bench` writes results.json.") from None
    except ValueError:
        raise DataError(f"{path}: is not JSON; give the results.json of a run of `tconv bench`.") from None
    try:
        if plain["format"] != FORMAT:
            raise DataError(f"{path}: has format {plain['format']!r}, this version of tconv reads {FORMAT}; run "
                            "`tconv bench` anew.")
        return _results(plain)
    except (KeyError, TypeError, AttributeError, IndexError):
        raise DataError(f"{path}: holds no results of `tconv bench`; give its results.json.") from None


def _results(plain: Mapping[str, Any]) -> Results:
    limits = tuple(map(Limits.of, plain["limits"]))
    rows = tuple(Row(**{**_only(Row, row), "timings": tuple(Timing(**_only(Timing, one)) for one in row["timings"]),
                        "skipped": tuple(Skip(**_only(Skip, one)) for one in row["skipped"])}) for row in plain["rows"])
    return Results(**{**_only(Results, plain), "machine": Machine(**_only(Machine, plain["machine"])),
                      "limits": limits, "rows": rows})


def _only(kind: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: plain[one.name] for one in fields(kind)}


def _pairs(rows: Any) -> tuple[tuple[int, float], ...]:
    return tuple((int(size), float(rate)) for size, rate in rows)
