"""What a problem costs, exactly: useful multiply-adds, bytes, parameters, and the time a machine needs at least."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .problem import Extent, Problem

__all__ = ["Cost", "cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one pass over a problem takes; forward, input gradient and kernel gradient cost the same.

    Args:
        multiply_adds: products that reach a cell of the fine grid; taps that fall into the crop do not count.
        input_size_multiply_adds: what is commonly quoted: every tap at every coarse cell, crop or no crop.
        bytes: of the coarse array, the fine array and the kernel taps that are used, each touched once.
        parameters: numbers in the kernel, and one bias for each fine channel if there is one.
    """

    multiply_adds: int
    input_size_multiply_adds: int
    bytes: int
    parameters: int

    def seconds(self, *, peak: float, bandwidth: float) -> float:
        """The least time on a machine of `peak` floating-point operations a second and `bandwidth` bytes a second."""
        return max(2 * self.multiply_adds / peak, self.bytes / bandwidth)


def cost(problem: Problem, extent: Extent, *, itemsize: int = 4, bias: bool = False) -> Cost:
    """Count what a problem takes with arrays of this extent.

    Args:
        problem: the setting met by its sizes.
        extent: batch and channels on both sides.
        itemsize: bytes of one number.
        bias: whether each fine channel has a bias.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> same = problem_from_coarse(Spec.of(kernel=(3, 3), stride=2, crop=((0, 1), (0, 1))), (5, 5))
    >>> cost(same, Extent(batch=1, coarse_channels=128, fine_channels=1)).multiply_adds
    25088
    """
    met = [[problem.span(axis, tap)[0] for tap in range(k)] for axis, k in enumerate(problem.kernel)]
    pairs = math.prod(sum(s.stop - s.start for s in axis) for axis in met)
    used = math.prod(sum(s.stop > s.start for s in axis) for axis in met)
    per_pair = extent.coarse_channels * extent.fine_channels // problem.groups
    taps = math.prod(problem.kernel)
    cells = math.prod(problem.coarse) * extent.coarse_channels + math.prod(problem.fine) * extent.fine_channels
    return Cost(
        multiply_adds=extent.batch * per_pair * pairs,
        input_size_multiply_adds=extent.batch * per_pair * taps * math.prod(problem.coarse),
        bytes=itemsize * (extent.batch * cells + used * per_pair),
        parameters=taps * per_pair + bias * extent.fine_channels,
    )
