"""What is known of a model's convolutions and upsampling layers: one frozen fact a layer, whatever it was read from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from ..geometry import Cost, Extent, Problem, Spec, cost, overlap, problem_from_coarse, problem_from_fine
from .graph import Graph

__all__ = ["KINDS", "WAYS", "LayerFact", "ModelFacts", "Norm", "Resize", "Sizes"]

Array = NDArray[Any]
Sizes = tuple[int | None, ...]

KINDS = {
    "conv_transpose": "transposed convolution",
    "resize_conv": "resize, then convolution",
    "conv_shuffle": "convolution, then pixel shuffle",
    "resize": "resize",
    "shuffle": "pixel shuffle",
    "conv": "convolution",
}
"""What a layer is; all but the last make a grid finer."""


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """A normalisation right behind a layer.

    Args:
        where: its place in the model.
        kind: "batch", or "instance", "group", "layer", whose figures depend on the data.
        scale: per channel, what the layer's result is multiplied by; None where it depends on the data.
        shift: per channel, what is added after that.
    """

    where: str
    kind: str
    scale: Array | None = None
    shift: Array | None = None

    @property
    def folds(self) -> bool:
        """Whether it can become part of the layer's kernel and bias."""
        return self.scale is not None


@dataclass(frozen=True, slots=True)
class Resize:
    """A grid laid anew over another.

    Args:
        where: its place in the model.
        interpolation: "nearest", "bilinear", "bicubic" or the framework's own word for another.
        factor: new cells for each old one, per axis; None where sizes are not known.
        convention: how the two grids are aligned, in words of ONNX: "half_pixel", "asymmetric", "align_corners", ...
        way: how the model says it: "resize", or "concatenation", "repeat" of cells and a reshape.
    """

    where: str
    interpolation: str
    factor: tuple[float, ...] | None
    convention: str = ""
    way: str = "resize"


@dataclass(frozen=True, slots=True, eq=False)
class LayerFact:
    """One layer as it stands in a model; channels are last in all arrays here.

    A convolution goes from its fine grid (`input`) to its coarse one (`output`), a transposed one the other way. In a
    `resize_conv` the convolution's fine grid is `resized`; in a `conv_shuffle` its coarse grid is `output` / `shuffle`.

    Args:
        where: its place, unique in the model: a node's name, or a module's path.
        kind: a key in `KINDS`.
        says: the model's own word for it, as `ConvTranspose`.
        spec: the convolution's setting; a convolution's crop is its padding. None where there is no convolution, or the
            setting depends on sizes that are not known.
        arguments: the framework's own, as the model says them.
        input, output: samples per axis, None for those that are not known; both () where not even their number is.
        channels: those in and those out.
        batch: samples at once, 1 where the model leaves it open.
        kernel: canonical, `(*K, D / groups, C)` for coarse channels C and fine channels D, whichever way the layer
            goes; None where the model computes it.
        weight: the kernel's name among the model's weights.
        bias: per channel, shape `(channels out,)`.
        norm: right behind the layer.
        activation: right behind that, in lower case, or "".
        padding: "zeros", or how else the cells around a convolution's input are filled: "reflect", "edge", ...
        resize: before the convolution, or the layer itself.
        shuffle: cells that each cell becomes, per axis, and `order`, a name in `tconv.resize.ORDERS`.
        itemsize: bytes of one number.
        parts: the places of all operations that the fact covers.
    """

    where: str
    kind: str
    says: str
    spec: Spec | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    input: Sizes = ()
    output: Sizes = ()
    channels: tuple[int | None, int | None] = (None, None)
    batch: int = 1
    kernel: Array | None = None
    weight: str = ""
    bias: Array | None = None
    norm: Norm | None = None
    activation: str = ""
    padding: str = "zeros"
    resize: Resize | None = None
    shuffle: tuple[int, ...] | None = None
    order: str = ""
    itemsize: int = 4
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", MappingProxyType(dict(self.arguments)))

    @property
    def name(self) -> str:
        """The last part of its place."""
        return self.where.rstrip("/.").replace("/", ".").rpartition(".")[2] or self.where

    @property
    def transposed(self) -> bool:
        """Whether it is a transposed convolution."""
        return self.kind == "conv_transpose"

    @property
    def upsamples(self) -> bool:
        """Whether it makes a grid finer, or is there to."""
        return self.kind != "conv"

    @property
    def groups(self) -> int:
        """How many groups the channels fall into."""
        return 1 if self.spec is None else self.spec.groups

    @property
    def sized(self) -> bool:
        """Whether all its sizes are known."""
        return bool(self.input) and None not in (*self.input, *self.output)

    @property
    def resized(self) -> Sizes:
        """The grid that a convolution takes: `input`, or that after the resize."""
        if not self.input or self.resize is None or self.kind == "resize" or self.resize.factor is None:
            return self.input
        return tuple(None if size is None else math.floor(size * times + 1e-9)
                     for size, times in zip(self.input, self.resize.factor, strict=True))

    @property
    def problem(self) -> Problem | None:
        """The convolution's setting met by its sizes, if they are known."""
        if self.spec is None or not self.sized:
            return None
        if self.transposed:
            return problem_from_coarse(self.spec, self.input)  # type: ignore[arg-type]
        return problem_from_fine(self.spec, self.resized)  # type: ignore[arg-type]

    @property
    def extent(self) -> Extent | None:
        """Batch and channels of the convolution's two grids, if they are known."""
        ins, outs = self.channels
        if ins is None or outs is None:
            return None
        if self.transposed:
            return Extent(self.batch, ins, outs)
        return Extent(self.batch, outs * math.prod(self.shuffle or ()), ins)

    @property
    def cost(self) -> Cost | None:
        """What one pass takes, exactly; None without a convolution or without sizes."""
        problem, extent = self.problem, self.extent
        if problem is None or extent is None:
            return None
        if self.padding != "zeros":
            problem = _padded(problem)  # such cells hold numbers, and products with them count
        return cost(problem, extent, itemsize=self.itemsize, bias=False)

    @property
    def multiply_adds(self) -> int | None:
        """Products that reach a cell of the result; 0 where there is no kernel, None where sizes are not known."""
        if self.kind in ("resize", "shuffle"):
            return 0
        return None if self.cost is None else self.cost.multiply_adds

    @property
    def executed(self) -> Mapping[str, int]:
        """Multiply-adds by the usual ways to compute it, ends included; see `WAYS`.

        Empty where sizes are not known, or there is no kernel.
        """
        problem, extent = self.problem, self.extent
        if problem is None or extent is None:
            return {}
        each = math.prod(problem.kernel) * extent.coarse_channels * extent.fine_channels // problem.groups
        coarse, fine = (extent.batch * each * math.prod(grid) for grid in (problem.coarse, problem.fine))
        return {"columns": coarse, "stuffed": fine} if self.transposed else {"columns": coarse}

    @property
    def parameters(self) -> int:
        """Numbers that it learns: kernel and bias."""
        kernel = 0 if self.kernel is None else self.kernel.size
        return kernel + (0 if self.bias is None else self.bias.size)

    @property
    def bytes(self) -> int | None:
        """Of what goes in, what comes out, and the kernel taps that are used, each touched once."""
        if not self.sized or None in self.channels:
            return None
        ins, outs = (math.prod(grid) * (channels or 0) for grid, channels  # type: ignore[arg-type]
                     in zip((self.input, self.output), self.channels, strict=True))
        return self.itemsize * (self.batch * (ins + outs) + self._taps_used())

    def _taps_used(self) -> int:
        problem, extent = self.problem, self.extent
        if problem is None or extent is None:
            return 0
        met = (sum(problem.span(axis, tap)[0].stop > problem.span(axis, tap)[0].start for tap in range(taps))
               for axis, taps in enumerate(problem.kernel))
        return math.prod(met) * extent.coarse_channels * extent.fine_channels // problem.groups

    @property
    def overlap(self) -> tuple[tuple[int, ...], ...]:
        """How many taps meet in each phase of the stride, per axis; () where there is no convolution."""
        return () if self.spec is None else tuple(map(overlap, self.spec.axes))

    @property
    def scale(self) -> tuple[float, ...]:
        """New samples for each old one, per axis; () where that is not known."""
        if self.transposed and self.spec is not None:
            return tuple(axis.stride for axis in self.spec.axes)
        if self.shuffle is not None:
            return self.shuffle
        if self.resize is not None:
            return self.resize.factor or ()
        return () if self.spec is None else tuple(1 / axis.stride for axis in self.spec.axes)

    def at(self, sizes: Sizes) -> LayerFact:
        """The same layer on an input of other sizes, where its setting does not depend on them."""
        bare = replace(self, input=sizes, output=sizes)
        if self.spec is None:
            after = tuple(math.floor(size * times) for size, times in zip(sizes, self.scale, strict=True))  # type: ignore
        elif bare.problem is None:
            return bare
        else:
            after = bare.problem.fine if self.transposed else bare.problem.coarse
            after = tuple(size * times for size, times in zip(after, self.shuffle or (1,) * len(after), strict=True))
        return replace(self, input=sizes, output=after)


WAYS = {
    "columns": "one matrix product at the coarse size: ONNX Runtime's and PyTorch's own kernels on CPUs",
    "stuffed": "a convolution over the input with zeros between, at the fine size: what common counters report",
}
"""What `LayerFact.executed` counts."""


def _padded(problem: Problem) -> Problem:
    """The problem whose fine grid includes its padding."""
    fine = tuple(size + lo + hi for size, lo, hi in zip(problem.fine, problem.lo, problem.hi, strict=True))
    return replace(problem, lo=(0,) * problem.rank, fine=fine)


@dataclass(frozen=True, slots=True, eq=False)
class ModelFacts:
    """A model, as far as it was read.

    Args:
        source: the file's name, or the object's class.
        framework: "onnx", "torch" or "keras".
        layers: its convolutions and upsampling layers, in the order in which they run.
        graph: all that was read, one node an operation, for questions that go through the whole model.
        parameters: numbers in the model's weights.
        notes: sentences on what is not known, and why.
    """

    source: str
    framework: str
    layers: tuple[LayerFact, ...]
    graph: Graph
    parameters: int
    notes: tuple[str, ...] = ()

    @property
    def upsampling(self) -> tuple[LayerFact, ...]:
        """The layers that make a grid finer."""
        return tuple(layer for layer in self.layers if layer.upsamples)

    def layer(self, where: str) -> LayerFact:
        """The layer of this place.

        Raises:
            KeyError: if there is none.
        """
        return next(layer for layer in self.layers if where in (layer.where, *layer.parts))
