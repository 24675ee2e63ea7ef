"""What the engine will do with a problem, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import SettingError, ShapeError, UnsupportedError
from ..geometry import Extent, Problem, cost
from .calls import CONTRACTIONS
from .choices import half_isa, isa, threads
from .compiled import native, numbers

__all__ = ["FORMS", "Plan", "plan"]

DTYPES = ("float32", "bfloat16")

# The compiled part's names for its ways, and what decided for each.
FORMS = {
    "outer": "lanes are output channels, inputs are broadcast: there are enough channels to fill them",
    "phases in lanes": "lanes are (phase, channel) of a block of outputs: the channels alone would leave them idle",
    "points in lanes": "lanes are (cell, channel) of some points side by side: the channels of one alone would leave "
                       "them idle",
    "dot": "lanes are input channels, summed at the end: there are too few outputs to fill them",
    "dot as it lies": "lanes are input channels, and the kernel is read as it lies: each of its numbers is used too "
                      "rarely for laying it out anew",
    "rows": "the kernel is read, or written, once and row by row: there are so few places that it is by far the "
            "largest array",
    "stamps": "the whole kernel times each cell is one row of a matrix product, and these rows are added where they "
              "overlap: the output channels alone would leave lanes idle",
    "depthwise": "lanes are channels, each with weights of its own: every group has one",
    "winograd": "tiles of 4x4 cells are transformed, so that 16 products stand for up to 36",
    "split": "numbers are sums of three bfloat16 ones, of whose nine products, which the processor does much faster, "
             "six count",
    "coarse lanes": "lanes are coarse channels, rows are (tap, fine channel)",
    "fine lanes": "lanes are (tap, fine channel), rows are coarse channels: there are few of them",
    "windows": "points that follow one another begin at equal distances, as products of bfloat16 numbers want it: in "
               "one copy of the input, with zeros around it, or where it lies so already",
    "copied rows": "the cells under each point's taps are copied side by side: windows would leave more rows idle",
    "runs": "rows are coarse channels, lanes are (tap, fine channel), and the depth of a product of bfloat16 numbers "
            "is places",
    "shifts": "rows are fine channels, the cells of each side by side, so that a tap is no more than a shift: there "
              "are few channels",
    "taps": "rows are taps of the array that has few channels, each a copy of its cells, and lanes are the channels of "
            "the other",
}
BY_HALVES = ("windows", "copied rows", "runs", "shifts", "taps")  # of bfloat16 numbers that are not made float32


@dataclass(frozen=True, slots=True)
class Plan:
    """What one contraction will do; printed, it is a report.

    Args:
        contraction: `conv_transpose`, `conv` or `kernel_gradient`.
        problem: the setting met by its sizes.
        extent: batch and channels.
        form: a name in `FORMS`.
        tile: rows and lanes of the sums that stay in registers.
        products: matrix products that it is made of: one for each phase, in the main.
        useful: multiply-adds that reach a result.
        executed: multiply-adds that are done, those of idle lanes and with zeros around the input included; fewer than
            the useful ones where Winograd's tiles spare some.
        packed_bytes: of the kernel, laid out anew in each call.
        in_parts: whether the kernel is laid out part by part, where each is needed.
        copies: whether the input is copied, block by block, with zeros around it.
        streams: whether the result is stored past the caches, which it is too large for, if it begins with a line of
            memory.
        blocks: pieces of work that the threads share.
        threads: how many there are at most.
        isa: instruction set.
    """

    contraction: str
    problem: Problem
    extent: Extent
    form: str
    tile: tuple[int, int]
    products: int
    useful: int
    executed: int
    packed_bytes: int
    in_parts: bool
    copies: bool
    streams: bool
    blocks: int
    threads: int
    isa: str

    @classmethod
    def of(cls, contraction: str, problem: Problem, extent: Extent, said: dict[str, Any], threads: int,
           isa: str) -> Plan:
        """The plan that the compiled part describes."""
        return cls(contraction, problem, extent, said["form"], said["tile"], said["products"],
                   cost(problem, extent).multiply_adds, said["executed"], 4 * said["packed"], said["in_parts"],
                   said["copies"], said["streams"], said["blocks"], threads, isa)

    @property
    def efficiency(self) -> float:
        """The share of the multiply-adds that is useful; above 1 where Winograd's tiles spare some."""
        return self.useful / self.executed if self.executed else 1.0

    def __str__(self) -> str:
        rows, lanes = self.tile
        laid = f"{self.packed_bytes:,} bytes laid out anew{', part by part' * self.in_parts}"
        kernel = laid if self.packed_bytes else "read as it lies"
        coarse, fine = ("x".join(map(str, sizes)) for sizes in (self.problem.coarse, self.problem.fine))
        lines = (
            f"{self.contraction}: coarse {coarse}, {self.extent.coarse_channels} channels; fine {fine}, "
            f"{self.extent.fine_channels} channels; batch {self.extent.batch}",
            f"{self.form}: {FORMS[self.form]}",
            f"tiles of {rows} x {lanes} sums in registers ({self.isa})",
            f"{self.products} matrix product{'s' * (self.products > 1)}, {self.executed:,} multiply-adds, of which "
            f"{self.efficiency:.0%} are useful",
            *(() if self.contraction == "kernel_gradient" else (f"kernel: {kernel}",)),
            f"input: {'copied block by block, with zeros around it' if self.copies else 'read in place'}",
            f"result: stored {'past the caches, which it is too large for' if self.streams else 'as usual'}",
            f"{self.blocks} block{'s' * (self.blocks > 1)} for up to {self.threads} thread{'s' * (self.threads > 1)}",
        )
        return "\n".join(lines)


def plan(contraction: str, problem: Problem, extent: Extent, dtype: str = "float32") -> Plan:
    """What the engine will do with arrays of this extent, and why.

    Args:
        contraction: `conv_transpose`, `conv` or `kernel_gradient`.
        problem: the setting met by its sizes.
        extent: batch and channels on both sides.
        dtype: of the arrays, `float32` or `bfloat16`.

    Raises:
        SettingError: if there is no such contraction, or no plans for such a dtype.
        ShapeError: if an array is empty, so that there is nothing to do.
        UnsupportedError: in the portable package, which has no plans.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> twice = problem_from_coarse(Spec.of((2, 2), stride=2), (8, 8))
    >>> plan("conv_transpose", twice, Extent(32, 64, 96)).products if native else 4  # one for each phase
    4
    """
    if contraction not in CONTRACTIONS:
        raise SettingError(f"plan: contraction is {contraction!r}, but has to be one of {', '.join(CONTRACTIONS)}.")
    if dtype not in DTYPES:
        raise SettingError(f"plan: dtype is {dtype!r}, but has to be one of {', '.join(DTYPES)}; arrays of others are "
                           "made float32.")
    if 0 in (*extent, *problem.coarse, *problem.fine):
        raise ShapeError(f"plan: there is nothing to do for {extent}, coarse {problem.coarse} and fine {problem.fine}; "
                         "none of them may be 0.")
    if native is None:
        raise UnsupportedError("plan: this is the portable package, without the compiled part; install it where there "
                               "is a C++ compiler, or see tconv.methods.")
    said = native.plan(contraction, numbers(problem, *extent), dtype == "bfloat16")
    return Plan.of(contraction, problem, extent, said, threads(), half_isa() if said["form"] in BY_HALVES else isa())
