"""What is done to an array, step by step, as a function and as the line of NumPy that does the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flip", "Other", "Step", "Steps", "Transpose", "apply", "lines", "merged"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Transpose:
    """The axes in another order.

    >>> Transpose((1, 0)).line("kernel")
    'kernel.transpose(1, 0)'
    """

    order: tuple[int, ...]

    def __call__(self, array: Array) -> Array:
        return array.transpose(self.order)

    def line(self, name: str) -> str:
        return f"{name}.transpose({', '.join(map(str, self.order))})"


@dataclass(frozen=True)
class Flip:
    """Some axes turned round.

    >>> Flip((0, 1)).line("kernel")
    'np.flip(kernel, (0, 1))'
    """

    axes: tuple[int, ...]

    def __call__(self, array: Array) -> Array:
        return np.flip(array, self.axes)

    def line(self, name: str) -> str:
        return f"np.flip({name}, {self.axes})"


@dataclass(frozen=True)
class Other:
    """Any other change: the function, and the statements that do the same to the name `{0}`."""

    function: Callable[[Array], Array]
    text: str

    def __call__(self, array: Array) -> Array:
        return self.function(array)


Step = Transpose | Flip | Other
Steps = tuple[Step, ...]


def apply(steps: Steps, array: Array) -> Array:
    """The array after every step; a view where it can be one."""
    return reduce(lambda done, step: step(done), steps, array)


def lines(steps: Steps, name: str) -> tuple[str, ...]:
    """The steps as assignments to a name.

    >>> lines((Flip((0,)), Transpose((2, 1, 0))), "kernel")
    ('kernel = np.flip(kernel, (0,)).transpose(2, 1, 0)',)
    """
    found: list[str] = []
    previous: Step | None = None
    for step in merged(steps):
        if isinstance(step, Other):
            found.extend(step.text.format(name).split("\n"))
        elif isinstance(previous, Flip):
            found[-1] += step.line("")
        else:
            found.append(f"{name} = {step.line(name)}")
        previous = step
    return tuple(found)


def merged(steps: Sequence[Step]) -> Steps:
    """Equal steps with no two transposes or flips in a row, each flip before its transpose, and none that does nothing.

    >>> merged((Transpose((1, 0)), Flip((0,)), Transpose((1, 0)), Flip((1,))))
    ()
    """
    done: list[Step] = []
    for step in steps:
        done = _joined(done, step)
    return tuple(done)


def _joined(done: list[Step], step: Step) -> list[Step]:
    last = done[-1] if done else None
    if isinstance(step, Flip) and isinstance(last, Transpose):
        before = Flip(tuple(sorted(last.order[axis] for axis in step.axes)))
        return [*_joined(done[:-1], before), last]
    if isinstance(step, Flip) and isinstance(last, Flip):
        axes = tuple(sorted(set(last.axes) ^ set(step.axes)))
        return [*done[:-1], Flip(axes)] if axes else done[:-1]
    if isinstance(step, Transpose) and isinstance(last, Transpose):
        return _joined(done[:-1], Transpose(tuple(last.order[axis] for axis in step.order)))
    still = isinstance(step, Transpose) and step.order == tuple(range(len(step.order)))
    return done if still or step == Flip(()) else [*done, step]
