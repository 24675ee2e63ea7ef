"""Random layers as the page's address says them, with what Python makes of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tconv.errors import TconvError
from tconv.geometry import Problem, Spec, problem_from_coarse, problem_from_fine
from tests import oracle
from tests.strategies import integers

NAMES = ("size", "kernel", "stride", "dilation", "lo", "hi", "more")


@dataclass(frozen=True)
class State:
    """A layer: what the address says, its problem, and its arrays, channels last."""

    said: dict[str, Any]
    problem: Problem
    x: np.ndarray
    kernel: np.ndarray

    @property
    def address(self) -> str:
        """The text behind #."""
        said = {name: "x".join(map(str, value)) if name in NAMES else value for name, value in self.said.items()}
        said |= {"x": ",".join(map(str, self.x.ravel())), "w": ",".join(map(str, self.kernel.ravel()))}
        return "&".join(f"{name}={value}" for name, value in said.items())

    @property
    def result(self) -> np.ndarray:
        """What the oracle makes of it."""
        problem = self.problem
        known = {"stride": problem.stride, "dilation": problem.dilation, "lo": problem.lo, "groups": problem.groups}
        if self.said["kind"] == "conv":
            return oracle.conv(self.x, self.kernel, coarse=problem.coarse, **known)[0].astype(np.int64)
        return oracle.conv_transpose(self.x, self.kernel, fine=problem.fine, **known)[0].astype(np.int64)


def draw(count: int, *, seed: int) -> list[State]:
    """`count` layers that exist, small enough to be drawn."""
    random, found = np.random.default_rng(seed), []
    while len(found) < count:
        state = _one(random)
        if state is not None:
            found.append(state)
    return found


def _one(random: np.random.Generator) -> State | None:
    kind, rank = str(random.choice(["transposed", "transposed", "conv"])), int(random.integers(1, 3))

    def some(least: int, most: int) -> list[int]:
        return [int(value) for value in random.integers(least, most + 1, rank)]

    said: dict[str, Any] = {"kind": kind, "rank": rank, "size": some(1, 5) if kind == "transposed" else some(2, 9),
                            "kernel": some(1, 4), "stride": some(1, 4), "dilation": some(1, int(random.integers(1, 4))),
                            "lo": some(-2, 3), "hi": some(-2, 3)}
    limits = [max(pair) for pair in zip(said["stride"], said["dilation"], strict=True)]
    said["more"] = [int(random.integers(0, most)) if kind == "transposed" else 0 for most in limits]
    groups = int(random.integers(1, 3))
    ins, outs = (groups * int(random.integers(1, 3)) for _ in range(2))
    said |= {"ins": ins, "outs": outs, "groups": groups}
    try:
        problem = _problem(said)
    except TconvError:
        return None
    coarse, fine = (ins, outs) if kind == "transposed" else (outs, ins)
    seed = int(random.integers(2**16))
    return State(said, problem, integers(seed, (1, *said["size"], ins)),
                 integers(seed + 1, (*said["kernel"], fine // groups, coarse)))


def _problem(said: dict[str, Any]) -> Problem:
    crop = tuple((lo, hi - more) for lo, hi, more in zip(said["lo"], said["hi"], said["more"], strict=True))
    spec = Spec.of(tuple(said["kernel"]), stride=tuple(said["stride"]), dilation=tuple(said["dilation"]), crop=crop,
                   groups=said["groups"])
    return (problem_from_coarse if said["kind"] == "transposed" else problem_from_fine)(spec, tuple(said["size"]))
