"""One layer at work on one sample, as facts: every view of it, cell by cell; the drawings come after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ShapeError, SizeError
from ..geometry import Problem, Spec, problem_from_coarse, problem_from_fine
from ..methods import conv
from ..methods import phases as conv_transpose
from ..methods.channels import Array
from . import cells, collect, distribute, matrix, overlap, phases, work
from .gradient import KernelGradient
from .numbers import numbered

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["LARGEST", "Explanation", "explain", "explained"]

LARGEST = 2_000_000  # products that are told one by one
MOST = 2**53  # up to here an integer is exact as a float, in a spreadsheet and in a browser too


@dataclass(frozen=True, eq=False)
class Explanation:
    """A layer, one sample, and the result. Arrays have no batch; what is derived is made when it is asked for.

    Args:
        problem: the setting met by its sizes.
        transposed: whether it is a transposed convolution (coarse in, fine out) or a convolution (fine in, coarse out).
        x: the input, shape `(*coarse, C)` or `(*fine, D)`.
        kernel: shape `(*K, D / groups, C)` for both.
        bias: one number for each output channel, or None.
        result: the output, shape `(*fine, D)` or `(*coarse, C)`, with the bias.
    """

    problem: Problem
    transposed: bool
    x: Array
    kernel: Array
    bias: Array | None
    result: Array

    @property
    def name(self) -> str:
        """`conv_transpose` or `conv`."""
        return "conv_transpose" if self.transposed else "conv"

    @property
    def sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Samples per axis of the input and of the result."""
        grids = self.problem.coarse, self.problem.fine
        return grids if self.transposed else grids[::-1]

    @property
    def channels(self) -> tuple[int, int]:
        """Channels of the input and of the result."""
        return self.x.shape[-1], self.result.shape[-1]

    @cached_property
    def unbiased(self) -> Array:
        """The result before the bias."""
        return _result(self.x, self.kernel, self.problem, self.transposed)

    @cached_property
    def distribute(self) -> distribute.Distribute:
        """One stamp for each input cell, on a canvas."""
        self._check("distribute")
        return distribute.distribute(self.x, self.kernel, self.problem, self.transposed)

    @cached_property
    def collect(self) -> collect.Collect:
        """The stuffed (or padded) grid, the (flipped) kernel, and one window for each output cell."""
        self._check("collect")
        return collect.collect(self.x, self.kernel, self.problem, self.transposed, self.unbiased)

    @cached_property
    def matrix(self) -> matrix.Matrix:
        """The layer as one matrix times the flattened input."""
        return matrix.matrix(self.x, self.kernel, self.problem, self.transposed)

    @cached_property
    def phases(self) -> phases.Phases:
        """One small layer for each residue of the stride."""
        return phases.phases(self.x, self.kernel, self.problem, self.transposed)

    @cached_property
    def work(self) -> dict[str, work.Work]:
        """Useful and executed multiplications by view."""
        pair = self.channels if self.transposed else self.channels[::-1]
        return work.work(self.problem, self.transposed, *pair)

    @cached_property
    def overlap(self) -> overlap.Overlap:
        """How many products meet in each fine cell."""
        return overlap.overlap_of(self.problem)

    def cell(self, index: Sequence[int], channel: int = 0) -> cells.Cell:
        """One number of the result with every product under its window, real or added.

        Raises:
            ShapeError: if there is no such cell or channel.
        """
        index, (_, sizes), outs = tuple(index), self.sizes, self.channels[1]
        if len(index) != len(sizes) or not all(0 <= i < size for i, size in zip(index, sizes, strict=False)):
            raise ShapeError(f"explain: cell is {index}, but the result has sizes {sizes}; count from 0 along each.")
        if not 0 <= channel < outs:
            raise ShapeError(f"explain: channel is {channel}, but the result has {outs}; count from 0.")
        return cells.cell(self.x, self.kernel, self.problem, self.transposed, index, channel, self.bias)

    def input_gradient(self, upstream: ArrayLike | None = None) -> Explanation:
        """The gradient with respect to the input: the other layer, on the gradient of the result (ones by default)."""
        return explain(self._upstream(upstream), self.kernel, problem=self.problem, transposed=not self.transposed)

    def kernel_gradient(self, upstream: ArrayLike | None = None) -> KernelGradient:
        """The gradient with respect to the kernel, on the gradient of the result (ones by default)."""
        grids = self.x, self._upstream(upstream)
        return KernelGradient.of(self.problem, *(grids if self.transposed else grids[::-1]))

    def json(self) -> dict[str, Any]:
        """All of it in lists and numbers, as a program may read it."""
        from .document import document

        return document(self)

    def _repr_html_(self) -> str:
        """In a notebook: the picture of the stamps, or of the window."""
        from .notebook import explanation_html

        return explanation_html(self)

    def _upstream(self, upstream: ArrayLike | None) -> Array:
        if upstream is None:
            return np.ones_like(self.result)
        return _sample("upstream", upstream, self.problem.rank, self.result.shape)

    def _check(self, view: str) -> None:
        products = self.work[view].executed
        if products > LARGEST:
            raise SizeError(f"explain: the view {view!r} would tell {products:,} products one by one, more than "
                            f"{LARGEST:,}; take smaller sizes, or the view 'summary'.")


def explain(
    x: ArrayLike, kernel: ArrayLike, *, problem: Problem, transposed: bool = True, bias: ArrayLike | None = None,
) -> Explanation:
    """What a layer does with one sample, and why each number of the result is what it is.

    Args:
        x: the input, coarse for a transposed convolution and fine for a convolution. Shape `(*I, C)`, or `(N, *I, C)`
            of which the first sample is taken, or `I` where there is one channel.
        kernel: shape `(*K, D / groups, C)`, or `K` where there is one channel on either side.
        problem: the setting met by its sizes.
        transposed: which of the two layers.
        bias: one number for each output channel.

    Raises:
        ShapeError: if the arrays do not fit the problem, or hold something else than finite real numbers.

    >>> from tconv.geometry import Spec, problem_from_coarse
    >>> told = explain([1, 2], [1, 1, 1], problem=problem_from_coarse(Spec.of(kernel=(3,), stride=2), (2,)))
    >>> told.result.ravel()
    array([1, 1, 3, 2, 2])
    >>> [(term.cell, term.tap, term.product) for term in told.cell((2,)).real]
    [((0,), (2,), 1), ((1,), (0,), 2)]
    """
    kernel = _numbers("kernel", kernel)
    kernel = kernel[..., None, None] if kernel.ndim == problem.rank else kernel
    x = _sample("x", x, problem.rank)
    grid = "coarse" if transposed else "fine"
    extent = problem.extent("explain", **{grid: (1, *x.shape)}, kernel=kernel.shape)  # type: ignore[arg-type]
    problem.check_memory("explain", extent, 8)
    result = _result(x, kernel, problem, transposed)
    if bias is None:
        return Explanation(problem, transposed, x, kernel, None, result)
    bias = _numbers("bias", bias)
    if bias.shape != result.shape[-1:]:
        raise ShapeError(f"explain: bias has shape {bias.shape}, but the result has {result.shape[-1]} channels; "
                         f"give ({result.shape[-1]},).")
    return Explanation(problem, transposed, x, kernel, bias, result + bias)


def explained(
    spec: Spec, x: ArrayLike, kernel: ArrayLike | None = None, *, transposed: bool = True,
    bias: ArrayLike | None = None,
) -> Explanation:
    """`explain` for a setting: the sizes are the input's; see `Spec.explain`."""
    x = _sample("x", x, spec.rank)
    problem = (problem_from_coarse if transposed else problem_from_fine)(spec, x.shape[:-1])
    if kernel is None:
        each = (1, x.shape[-1]) if transposed else (x.shape[-1] // spec.groups, spec.groups)
        kernel = np.broadcast_to(numbered(problem.kernel)[..., None, None], (*problem.kernel, *each))
    return explain(x, kernel, problem=problem, transposed=transposed, bias=bias)


def _result(x: Array, kernel: Array, problem: Problem, transposed: bool) -> Array:
    """The result before the bias, of numbers that cannot overflow or be rounded off unseen.

    Raises:
        ShapeError: if they could.
    """
    largest = float(np.abs(x).max(initial=0)) * float(np.abs(kernel).max(initial=0)) * (kernel.size + 1)
    if not largest < MOST:
        raise ShapeError(f"explain: numbers up to {np.abs(x).max():.3g} in x and {np.abs(kernel).max():.3g} in the "
                         f"kernel can give results of {largest:.3g}; keep them under 2**53, where every integer is "
                         "exact.")
    return (conv_transpose if transposed else conv)(x[None], kernel, problem)[0]


def _numbers(name: str, value: ArrayLike) -> Array:
    """An array of int64 or float64, so that the numbers shown are the numbers computed with."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"explain: {name} is no array ({error}); give numbers in rows of equal length.") from None
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        what = f"dtype {array.dtype}" if array.dtype.kind not in "biuf" else "a number that is not finite"
        raise ShapeError(f"explain: {name} has {what}; give finite real numbers.")
    return array.astype(float if array.dtype.kind == "f" else np.int64)


def _sample(name: str, value: ArrayLike, rank: int, wanted: tuple[int, ...] | None = None) -> Array:
    """One sample, with its channels."""
    array = _numbers(name, value)
    if array.ndim == rank + 2 and len(array):
        array = array[0]
    array = array[..., None] if array.ndim == rank else array
    if array.ndim != rank + 1:
        raise ShapeError(f"explain: {name} has shape {np.shape(value)}, but the setting has {rank} "
                         f"ax{'i' if rank == 1 else 'e'}s; give so many, and channels last if there are several.")
    if wanted is not None and array.shape != wanted:
        raise ShapeError(f"explain: {name} has shape {array.shape}, but the result has {wanted}; give as many numbers.")
    return array
