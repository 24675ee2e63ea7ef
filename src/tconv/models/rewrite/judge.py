"""Whether a place is better done in another way: the same numbers, and less time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .compare import Difference, difference
from .graph import Graph, Part
from .outcome import Step
from .region import Region
from .session import Runner, in_turns
from .site import Site
from .trial import Trial

if TYPE_CHECKING:
    from .optimize import Settings

__all__ = ["alone", "judged"]

Array = NDArray[Any]
Way = Callable[[Part], object]
PAYS = 0.97  # a place is done in another way if that takes at most so much of the time


def alone(graph: Graph, site: Site, way: Way, seed: int) -> float:
    """How far a way is from a site's own result on random numbers, as a share of the largest; infinite if unknown."""
    region = Region(graph, site, around=False)
    feed = region.drawn(np.random.default_rng(seed))
    return float("inf") if feed is None else _difference(region, feed, way).relative


def judged(name: str, where: str, graph: Graph, site: Site, trial: Trial, settings: Settings) -> Step:
    """The best of a site's ways, and whether it is kept."""
    region = Region(graph, site, around=trial.runs)
    feed = _feed(graph, region, trial, settings.seed)
    if feed is None:
        return Step(name, where, next(iter(site.ways)), False, why="it could not be run by itself", output=site.output)
    same = {way: write for way, write in site.ways.items()
            if _difference(region, feed, write).relative <= settings.tolerance}
    if not same:
        return Step(name, where, next(iter(site.ways)), False, why="it differs, or does not run", output=site.output)
    if not settings.measure:
        return Step(name, where, next(iter(same)), True, output=site.output)
    before, best, after = _timed(region, feed, same, settings)
    kept = after <= PAYS * before
    return Step(name, where, best, kept, before, after, "" if kept else "it is not faster", site.output)


def _feed(graph: Graph, region: Region, trial: Trial, seed: int) -> Mapping[str, Array] | None:
    if not trial.runs:
        return region.drawn(np.random.default_rng(seed))
    try:
        return trial.passing(graph.to_model(), region.inputs)
    except DataError:
        return None


def _difference(region: Region, feed: Mapping[str, Array], way: Way) -> Difference:
    try:
        (original,), (other,) = (Runner(region.model(feed, each))(feed) for each in (None, way))
    except DataError:
        return Difference(float("inf"))
    return difference(original, other, region.output)


def _timed(region: Region, feed: Mapping[str, Array], ways: Mapping[str, Way], settings: Settings,
           ) -> tuple[float, str, float]:
    """Seconds as it is, the fastest way, and its seconds."""
    runners = [Runner(region.model(feed, each), settings.threads) for each in (None, *ways.values())]
    before, *others = in_turns(runners, feed, settings.seconds)
    after, best = min(zip(others, ways))
    return before, best, after
