"""A layer in a few lines, without its arrays: for sizes of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..geometry import Extent, Problem, cost, overlap
from .work import Work, work

__all__ = ["Summary", "crosses", "summarize"]


@dataclass(frozen=True)
class Summary:
    """What there is to say about a layer before a single product.

    Args:
        problem: the setting met by its sizes.
        transposed: which of the two layers.
        channels: of the input and of the result.
        work: useful and executed multiplications by view, for one sample.
        parameters: numbers in the kernel.
    """

    problem: Problem
    transposed: bool
    channels: tuple[int, int]
    work: dict[str, Work]
    parameters: int

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Everything as pairs of words."""
        problem, (ins, outs) = self.problem, self.channels
        before, after = ("coarse", "fine") if self.transposed else ("fine", "coarse")
        full = tuple(axis.full(size) for axis, size in zip(problem.axes, problem.coarse, strict=True))
        setting = [("kernel", crosses(problem.kernel)), ("stride", crosses(problem.stride)),
                   ("dilation", crosses(problem.dilation)), ("groups", str(problem.groups))]
        return (
            ("layer", "transposed convolution" if self.transposed else "convolution"),
            (f"input, {before}", f"{crosses(getattr(problem, before))}, {channels(ins)}"),
            (f"result, {after}", f"{crosses(getattr(problem, after))}, {channels(outs)}"),
            *setting,
            ("crop" if self.transposed else "padding", "; ".join(f"{a} and {b}" for a, b in
                                                                 zip(problem.lo, problem.hi, strict=True))),
            ("full result" if self.transposed else "padded input", crosses(full)),
            *((f"size, axis {axis}", self._size(axis)) for axis in range(problem.rank)),
            ("taps by phase", "; ".join(":".join(map(str, overlap(axis))) for axis in problem.axes)),
            ("overlap", self.verdict),
            ("parameters", f"{self.parameters:,}"),
            *((f"work, {view}", f"{one.executed:,} products, {one.share:.0%} of use")
              for view, one in self.work.items()),
        )

    @property
    def verdict(self) -> str:
        """What the taps by phase mean."""
        phases = [overlap(axis) for axis in self.problem.axes]
        if any(0 in counts for counts in phases):
            return "holes: some fine cells get nothing but the bias"
        even = all(len(set(counts)) == 1 for counts in phases)
        return "even" if even else "uneven: invites a checkerboard"

    def _size(self, axis: int) -> str:
        """The size formula of one axis in numbers."""
        p = self.problem
        every = p.kernel, p.stride, p.dilation, p.lo, p.hi, p.coarse, p.fine
        k, s, d, lo, hi, i, o = (values[axis] for values in every)
        if self.transposed:
            return f"({i} - 1) × {s} + ({k} - 1) × {d} + 1 - {signed(lo)} - {signed(hi)} = {o}"
        return f"({o} + {signed(lo)} + {signed(hi)} - ({k} - 1) × {d} - 1) / {s} + 1 = {i}"


def summarize(problem: Problem, transposed: bool = True, channels: tuple[int, int] = (1, 1)) -> Summary:
    """Say what a layer does with these sizes; needs no arrays.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> summarize(problem_from_coarse(Spec.of(kernel=(3,), stride=2, crop=1), (512,))).rows[9]
    ('size, axis 0', '(512 - 1) × 2 + (3 - 1) × 1 + 1 - 1 - 1 = 1023')
    """
    coarse, fine = channels if transposed else channels[::-1]
    parameters = cost(problem, Extent(1, coarse, fine)).parameters
    return Summary(problem, transposed, channels, work(problem, transposed, coarse, fine), parameters)


def crosses(sizes: Sequence[int]) -> str:
    """Sizes with crosses between.

    >>> crosses((2, 3))
    '2×3'
    """
    return "×".join(map(str, sizes))


def channels(count: int) -> str:
    """A channel count with its noun."""
    return f"{count:,} channel{'s' * (count != 1)}"


def signed(number: int) -> str:
    """A number to subtract, a negative one in brackets."""
    return f"({number})" if number < 0 else str(number)
