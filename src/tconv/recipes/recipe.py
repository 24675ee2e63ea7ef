"""What a recipe is: a description that the loop, the command line, the report and `tconv apply` read.

Nothing here imports a framework. A recipe's file holds one `Recipe`, made of the functions above it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..methods.channels import Array
from .settings import Common

__all__ = ["Animation", "Batch", "Data", "Examples", "Figure", "Gallery", "Judged", "Learner", "Made", "Plot", "Recipe",
           "Section", "Stack", "Table", "Trained", "Use", "digest"]

Batch = tuple[Array, ...]  # inputs, targets and, if there are any, the examples' weights: whatever the learner takes


class Examples(Protocol):
    """Something to draw batches from; it may lie in memory, on the disk, or be made up on the way."""

    def __len__(self) -> int:
        """How many examples an epoch has."""

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """The examples at these places.

        Args:
            places: whole numbers below `len(self)`, shape `(B,)`.
            draw: where crops, flips and noise come from; it begins anew for each (seed, epoch, step), so that a batch
                is the same whenever it is asked for.

        Returns:
            Arrays with B examples each along their first axis.
        """


@dataclass(frozen=True, slots=True)
class Stack:
    """Examples that lie in memory, as they are; what is learned to be given back is its own target.

    >>> [part.tolist() for part in Stack(np.arange(4.0)).batch(np.array([2, 0]), np.random.default_rng(0))]
    [[2.0, 0.0], [2.0, 0.0]]
    """

    inputs: Array
    targets: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, places: Array, draw: np.random.Generator) -> Batch:
        """Inputs and targets at these places."""
        inputs = self.inputs[places]
        return inputs, inputs if self.targets is None else self.targets[places]


@dataclass(frozen=True, slots=True)
class Data:
    """What a training learns from and is judged by.

    Args:
        train: each epoch takes every example once, in an order of its own.
        validation: looked at after each epoch, in the same batches every time; None where there is nothing to look at.
        test: for `judge`, in whatever form it wants.
        source: in words, for the report: what it is and where it is from.
        digest: the same for the same data; a resumed run checks it.
        about: what the network, `judge` and `tconv apply` must know of the data, as JSON keeps it (classes, colours).
        counts: how many there are, by name, for the report; made from `train` and `validation` if left out.
    """

    train: Examples
    validation: Examples | None
    test: Any
    source: str
    digest: str
    about: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def digest(*arrays: Array) -> str:
    """The same for the same arrays in the same order."""
    joined = hashlib.sha256(" ".join(str(array.shape) for array in arrays).encode() + b" ")
    for array in arrays:
        joined.update(np.ascontiguousarray(array).data)
    return joined.hexdigest()[:16]


class Learner(Protocol):
    """A network that learns, step by step. `tconv.recipes.learner.Compiled` makes one of a compiled Keras model.

    Attributes:
        model: the Keras model that is saved, drawn, timed and applied; for a GAN the generator.
    """

    model: Any

    def step(self, *batch: Array) -> Mapping[str, float]:
        """Learn from one batch: named means over its examples, `loss` first, each taken before the step."""

    def test(self, *batch: Array) -> Mapping[str, float]:
        """Named means over the examples of one batch, without learning."""

    def variables(self) -> Sequence[Any]:
        """Every variable that the next step depends on: weights, averages, seeds, optimizers; in a fixed order."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A network with what one must know to use it.

    Args:
        settings: of the recipe.
        learner: as the last checkpoint has it.
        about: what `Data.about` said.
        kept: what `Judged.kept` said; empty before the training is done.
        folder: of the run.
    """

    settings: Any
    learner: Learner
    about: Mapping[str, Any]
    kept: Mapping[str, Any]
    folder: Path

    @property
    def model(self) -> Any:
        """The network itself."""
        return self.learner.model


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of merit beside what it is to be compared with.

    Args:
        name: what is measured, in words: "PSNR on luminance".
        value: ours.
        over: what it was measured on: "12 photographs".
        unit: "dB", or nothing.
        baselines: the same measure of simpler ways, by name.
        better: "higher" or "lower".
        digits: after the point.
    """

    name: str
    value: float
    over: str
    unit: str = ""
    baselines: Mapping[str, float] = field(default_factory=dict)
    better: str = "higher"
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side: each entry of `shown` is one example, with a picture for each label.

    Args:
        title: heading.
        says: a sentence or two below it.
        labels: "input", "bicubic", "ours", "original".
        shown: uint8 pictures `(H, W)`, `(H, W, 3)` or `(H, W, 4)`; those of an example may differ in size.
        across: examples in a row of the page, on a wide screen.
        sharp: whether pixels are drawn as squares.
    """

    title: str
    says: str
    labels: Sequence[str]
    shown: Sequence[Sequence[Array]]
    across: int = 8
    sharp: bool = True


@dataclass(frozen=True, slots=True)
class Animation:
    """Pictures that follow one another, such as a recipe's `frame` after each epoch; uint8, all of one shape."""

    title: str
    says: str
    frames: Sequence[Array]
    seconds: float = 0.3


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one axis: a ROC curve, quality against size.

    Args:
        title: heading.
        says: a sentence or two below it.
        x: what goes across, in words.
        y: what goes up.
        lines: name to `(x values, y values)`.
        log: which of the axes are logarithmic: "", "x", "y" or "xy".
        marks: name to one point `(x, y)` that is drawn as a dot.
    """

    title: str
    says: str
    x: str
    y: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log: str = ""
    marks: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words and numbers as they are to be read; the first column names the row."""

    title: str
    says: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


Section = Gallery | Animation | Plot | Table


@dataclass(frozen=True, slots=True)
class Judged:
    """How good the result is.

    Args:
        title: the report's headline.
        says: what was trained, in a sentence or two.
        figures: of merit, the most important one first.
        sections: pictures first, then plots and tables, in the order of the page.
        kept: what `tconv apply` must know of it, as JSON keeps it (a threshold).
    """

    title: str
    says: str
    figures: Sequence[Figure]
    sections: Sequence[Section]
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one input.

    Args:
        files: what is written, by the end of its name ("-upscaled.png"): a uint8 picture, another array (".npy"), text.
        says: a few words for the line that the command prints.
        numbers: named results, for `--json`.
        beside: pictures of one size to be laid side by side in one sheet of all inputs; none if empty.
    """

    files: Mapping[str, Array | str]
    says: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    beside: Sequence[Array] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that `tconv apply` does with what was trained.

    Args:
        says: help, one sentence.
        open: the trained network to a function that is called with each input.
        reads: what an input is. "colour": a picture `(H, W, 3)`, "grey": `(H, W)`, both uint8 and of any size, without
            transparency; "array": an `.npy` file; "nothing": there are no inputs but `--samples N`, and the function
            is called with 0, 1, 2, ... to N - 1.
    """

    says: str
    open: Callable[[Trained], Callable[[Any], Made]]
    reads: str = "colour"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One network to train on real data, and what can be done with it.

    Args:
        name: as in `tconv train NAME`.
        says: help, one sentence.
        settings: a frozen dataclass that inherits from `Common`.
        data: settings to data; checks what it reads before memory is taken.
        learner: settings and `Data.about` (with `steps`, those of an epoch) to a learner with fresh weights. Keras is
            imported in here and is seeded already.
        judge: the trained network and the data to its figures and pictures.
        metrics: in words, by the name that `step` and `test` give them.
        uses: by name; the first is what `tconv apply` does unless another one is asked for (`--as NAME`).
        examples: command lines without `tconv train NAME`, each with a remark.
        after_epoch: more named numbers for the history, taken after each epoch's validation.
        frame: a uint8 picture that is kept of each epoch, as `epochs/0001.png` in the run's folder, and of
            all as `epochs.gif`.
        tasks: where the settings have a `task`, the recipe that each stands for, of the same name and settings.
    """

    name: str
    says: str
    settings: type[Common]
    data: Callable[[Any], Data]
    learner: Callable[[Any, Mapping[str, Any]], Learner]
    judge: Callable[[Trained, Data], Judged]
    metrics: Mapping[str, str]
    uses: Mapping[str, Use]
    examples: Mapping[str, str] = field(default_factory=dict)
    after_epoch: Callable[[Trained, Data], Mapping[str, float]] | None = None
    frame: Callable[[Trained, Data], Array] | None = None
    tasks: Mapping[str, Recipe] = field(default_factory=dict)

    def chosen(self, settings: Any) -> Recipe:
        """The recipe itself, or that of the settings' task."""
        return self.tasks[settings.task] if self.tasks else self
