"""How many multiplications each view takes, and how many of them are of use."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..geometry import Extent, Problem, cost

__all__ = ["Work", "work"]


@dataclass(frozen=True, slots=True)
class Work:
    """Multiplications in one view: those that reach the result with an input value, and all that are executed."""

    useful: int
    executed: int

    @property
    def share(self) -> float:
        """The useful part of what is executed; 1 where nothing is."""
        return self.useful / self.executed if self.executed else 1.0


def work(problem: Problem, transposed: bool, coarse_channels: int, fine_channels: int) -> dict[str, Work]:
    """Useful and executed multiplications by view, for one sample.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> counted = work(problem_from_coarse(Spec.of(kernel=(2, 2), stride=2), (2, 2)), True, 1, 1)
    >>> counted["distribute"].executed, counted["collect"].executed, counted["matrix"].executed
    (16, 64, 64)
    """
    counted = cost(problem, Extent(1, coarse_channels, fine_channels))
    useful, per_pair = counted.multiply_adds, coarse_channels * fine_channels // problem.groups
    outputs = math.prod(problem.fine if transposed else problem.coarse)
    cells = math.prod(problem.fine) * fine_channels * math.prod(problem.coarse) * coarse_channels
    executed = {
        "distribute": counted.input_size_multiply_adds if transposed else useful,
        "collect": outputs * math.prod(problem.kernel) * per_pair,
        "matrix": cells,
        "phases": useful,
    }
    return {view: Work(useful, number) for view, number in executed.items()}
