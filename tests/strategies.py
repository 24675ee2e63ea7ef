"""Small problems for hypothesis to draw, with arrays of small integers: `==` is exact in every dtype.

Sizes are bounded so that the oracle's loops take milliseconds. The profile `test` draws the same hundred examples on
each run; `HYPOTHESIS_PROFILE=verify` draws a thousand fresh ones.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tconv.geometry import Axis, Problem, Spec, problem_from_coarse

PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("test", max_examples=100, derandomize=True, database=None, **PATIENT)
settings.register_profile("verify", max_examples=1000, **PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


def share(part: float) -> settings:
    """A decorator for tests whose every case is compiled: they draw a part of the usual number."""
    return settings(max_examples=max(1, round(settings().max_examples * part)))

MEETINGS = 200  # the most pairs of a coarse cell and a tap in one problem
PRODUCTS = 24  # the most products that one such pair may take, over batch and channels


def spelled(problem: Problem) -> dict[str, Any]:
    """The keyword arguments of `tconv.conv_transpose` and `tconv.conv` that say a problem."""
    crop = tuple(zip(problem.lo, problem.hi, strict=True))
    return {"stride": problem.stride, "dilation": problem.dilation, "crop": crop, "groups": problem.groups}


@dataclass(frozen=True)
class Case:
    """A problem and integer arrays for it.

    Args:
        problem: the setting met by its sizes.
        x: coarse array, shape `(N, *coarse, C)`.
        y: fine array, shape `(N, *fine, D)`.
        kernel: shape `(*K, D / groups, C)`.
        bias: shape `(D,)`.
    """

    problem: Problem
    x: np.ndarray
    y: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of `tconv.conv_transpose` and `tconv.conv` that say this problem."""
        return spelled(self.problem)

    @property
    def relation(self) -> dict[str, Any]:
        """The keyword arguments that all three oracles share."""
        problem = self.problem
        return {"stride": problem.stride, "dilation": problem.dilation, "lo": problem.lo, "groups": problem.groups}

    def astype(self, dtype: Any) -> Case:
        """The same numbers in another dtype."""
        return replace(self, **{name: getattr(self, name).astype(dtype) for name in ("x", "y", "kernel", "bias")})


def integers(seed: int, shape: Sequence[int], *, most: int = 8) -> np.ndarray:
    """Whole numbers from `-most` to `most`, int64."""
    return np.random.default_rng(seed).integers(-most, most + 1, tuple(shape))


@st.composite
def axes(draw: st.DrawFn, *, room: int = 54, empty: bool = True, negative: bool = True, symmetric: bool = False) -> Any:
    """One axis and a coarse size for it: `(Axis, coarse)`, at most `room` pairs of a cell and a tap.

    Args:
        room: the most meetings along this axis, >= 1.
        empty: whether the coarse size, and then the fine one, may be 0.
        negative: whether crops may be negative.
        symmetric: whether both ends are cropped alike.
    """
    coarse = draw(st.integers(0 if empty else 1, min(9, room)))
    kernel = draw(st.integers(1, max(1, min(6, room // max(coarse, 1)))))
    bare = Axis(kernel, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    full, least = bare.full(coarse), -3 if negative else 0
    keep = 1 if coarse else 0  # samples that the crop has to leave
    most = (full - keep) // 2 if symmetric else full - keep - least
    lo = draw(st.integers(least, max(least, min(bare.reach + 2, most))))
    hi = lo if symmetric else draw(st.integers(least, max(least, min(bare.reach + 2, full - keep - lo))))
    return replace(bare, crop=(lo, hi)), coarse


@st.composite
def problems(
    draw: st.DrawFn, *, ranks: Sequence[int] = (1, 2, 3), empty: bool = True, negative: bool = True,
    symmetric: bool = False, grouped: bool = True, larger: bool = True,
) -> Problem:
    """A setting met by sizes: 1 to 3 axes, sizes 0 to 9, kernel 1 to 6, stride and dilation 1 to 4, any crop.

    Args:
        ranks: numbers of axes to draw from.
        empty, negative, symmetric: as in `axes`.
        grouped: whether there may be more than one group.
        larger: whether the fine size may be one of the larger ones that share the coarse size (`output_size`).
    """
    room, drawn = MEETINGS, []
    for _ in range(draw(st.sampled_from(tuple(ranks)))):
        drawn.append(draw(axes(room=max(room, 1), empty=empty, negative=negative, symmetric=symmetric)))
        room //= max(1, drawn[-1][0].kernel * drawn[-1][1])
    drawn = draw(st.permutations(drawn))  # the first one drawn has the most room
    spec = Spec(tuple(axis for axis, _ in drawn), draw(st.integers(1, 3 if grouped else 1)))
    problem = problem_from_coarse(spec, [coarse for _, coarse in drawn])
    if not larger or not draw(st.booleans()):
        return problem
    spare = [draw(st.integers(0, max(axis.stride, axis.dilation) - 1)) for axis, _ in drawn]
    return replace(problem, fine=tuple(size + more for size, more in zip(problem.fine, spare, strict=True)))


@st.composite
def cases(draw: st.DrawFn, *, empty: bool = True, channels: int = 3, **kinds: Any) -> Case:
    """A problem and arrays for it.

    Args:
        empty: whether the batch and the sizes may be 0.
        channels: the most channels of one group on either side.
        kinds: as in `problems`.
    """
    problem = draw(problems(empty=empty, **kinds))
    room = PRODUCTS // problem.groups
    ins = draw(st.integers(1, min(channels, room)))
    outs = draw(st.integers(1, min(channels, room // ins)))
    batch = draw(st.integers(0 if empty else 1, max(1, min(3, room // ins // outs))))
    seed = draw(st.integers(0, 2**16))
    c, d = ins * problem.groups, outs * problem.groups
    return Case(
        problem,
        x=integers(seed, (batch, *problem.coarse, c)),
        y=integers(seed + 1, (batch, *problem.fine, d)),
        kernel=integers(seed + 2, (*problem.kernel, outs, c)),
        bias=integers(seed + 3, (d,)),
    )
