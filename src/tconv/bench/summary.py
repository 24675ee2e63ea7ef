"""What all rows say together: means, the least, and how many are won."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .facts import FROZEN, LIVE, Results, Row
from .steps import STEP

__all__ = ["LARGE", "Summary", "behind", "mean", "summaries"]

LARGE = 10e6  # floating-point operations; smaller layers say little about a limit


@dataclass(frozen=True, slots=True)
class Summary:
    """One pass over all layers, against the best peer for each.

    Args:
        passing: which.
        dtype: of the arrays.
        against: of the peers' arrays.
        threads: how many.
        kernels: live or frozen ones, on both sides.
        ratio: geometric mean of how many times as fast as the best peer we are.
        least: the lowest, and the layer.
        won: layers in which no peer is faster.
        layers: that were compared.
        fraction: geometric mean of the share of the limit, over layers of more than 10 million operations.
    """

    passing: str
    dtype: str
    against: str
    threads: int
    kernels: str
    ratio: float
    least: tuple[float, str]
    won: int
    layers: int
    fraction: float | None


def summaries(results: Results) -> tuple[Summary, ...]:
    """For each pass, dtype, kind of kernels and number of threads that was measured."""
    kinds = dict.fromkeys((row.passing, row.dtype, row.threads) for row in results.rows if row.passing != STEP)
    found = []
    for passing, dtype, threads in kinds:
        rows = [row for row in results.rows if (row.passing, row.dtype, row.threads) == (passing, dtype, threads)]
        for against in dict.fromkeys(("float32", dtype)):
            for kernels in (LIVE, FROZEN):
                pairs = list(_ratios(results, rows, against, kernels))
                if pairs:
                    found.append(_summary(pairs, rows, against, kernels))
    return tuple(found)


def _ratios(results: Results, rows: Sequence[Row], against: str, kernels: str) -> Iterator[tuple[float, str]]:
    for row in rows:
        ours, other = row.ours(kernels), results.find(row.name, row.passing, against, row.threads)
        best = other.best(kernels) if other else None
        if ours and best:
            yield best.milliseconds / ours.milliseconds, row.name


def _summary(pairs: list[tuple[float, str]], rows: Sequence[Row], against: str, kernels: str) -> Summary:
    ratios = [ratio for ratio, _ in pairs]
    fractions = [row.fraction for row in rows if row.fraction and 2 * row.multiply_adds > LARGE]
    return Summary(rows[0].passing, rows[0].dtype, against, rows[0].threads, kernels, mean(ratios), min(pairs),
                   sum(ratio >= 1 for ratio in ratios), len(pairs), mean(fractions) if fractions else None)


def behind(results: Results, passing: str, dtype: str, threads: int, kernels: str) -> list[tuple[float, str, str]]:
    """Where a peer is faster: the ratio, the layer and the peer, the worst first."""
    found = []
    for row in results.rows:
        ratio, best = row.ratio(kernels), row.best(kernels)
        if (row.passing, row.dtype, row.threads) == (passing, dtype, threads) and best and ratio and ratio < 1:
            found.append((ratio, row.name, best.peer))
    return sorted(found)


def mean(values: Sequence[float]) -> float:
    """The geometric one.

    >>> mean([0.5, 2.0])
    1.0
    """
    return math.exp(sum(map(math.log, values)) / len(values))
