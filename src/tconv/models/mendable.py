"""What a repair asks of a model, in whatever framework it is: its transposed convolutions, real inputs, new kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..conventions.convention import Convention
from ..diagnose import Diagnosis, diagnosis
from ..diagnose.spectrum import LARGEST, LEAST
from ..errors import DataError, ShapeError, UnsupportedError
from ..geometry import Problem, Spec
from ..methods.channels import Array

__all__ = ["BATCH", "Inputs", "Mendable", "Patient", "Seen", "finite", "fixed", "looked_at", "pictures", "said"]

BATCH = 32
"""Samples that a model runs on at once."""

Inputs = dict[str, Array]
"""By name, the samples of each on its first axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """A transposed convolution that can be mended.

    Args:
        where: its place, unique in the model.
        spec: the setting.
        kernel: shape `(*K, D / groups, C)`.
    """

    where: str
    spec: Spec
    kernel: Array


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a run showed.

    Args:
        result: the model's first output that has samples in it, channels last, `(N, *S, C)`; see `pictures`.
        x: what went into the layer that was watched, channels last; None if none was.
        problem: that layer's setting met by these sizes.
    """

    result: Array
    x: Array | None = None
    problem: Problem | None = None


class Mendable(Protocol):
    """A copy of a model, to be run and changed. The original stays as it is."""

    framework: str

    def patients(self) -> tuple[Patient, ...]:
        """Its transposed convolutions with a stride, in the order in which they run, with their kernels of now."""

    def drawn(self, count: int, seed: int) -> Inputs:
        """Inputs of the right shapes, from a normal distribution."""

    def run(self, inputs: Inputs, watch: str | None = None) -> Seen:
        """What comes out, and what goes into a layer."""

    def put(self, where: str, kernel: Array) -> None:
        """Give a layer another kernel of the same shape."""

    def grow(self, where: str, kernel: Array, settings: Sequence[Spec]) -> None:
        """Give a layer a kernel of another shape, under the first of these settings that the framework can say."""

    def exchange(self, where: str, kind: str) -> tuple[float, float]:
        """Put other layers in a layer's place: what they leave out of its kernel, and their cost over its."""

    def tune(self, rounds: Any) -> None:
        """Move kernels towards the results that are wanted: `tconv.models.tune.Rounds`."""

    def save(self, path: Path) -> None:
        """Write the model as it is now, whole."""


def pictures(results: Sequence[Array], *, channels_last: bool) -> Array:
    """The first of a model's results that has pictures or sound in it, channels last; axes of one sample are left out.

    Raises:
        ShapeError: if there is none.
    """
    for result in results:
        if result.ndim >= 3 and result.dtype.kind == "f":
            found = result if channels_last else np.moveaxis(result, 1, -1)
            keep = [0, *(axis for axis in range(1, found.ndim - 1) if found.shape[axis] > 1), found.ndim - 1]
            if 1 <= len(keep) - 2 <= 3:
                return found.reshape([found.shape[axis] for axis in keep])
    raise ShapeError(f"repair: the model gives {[result.shape for result in results]}, none of which is pictures or "
                     "sound; a model that makes such can be diagnosed.")


def looked_at(samples: Array, periods: Sequence[int]) -> Diagnosis | None:
    """A diagnosis for those periods that samples of this size can show; None where they can show none."""
    rank, side = samples.ndim - 2, min(samples.shape[1:-1])
    shown: list[int] = []
    for period in sorted(set(periods)):
        if LEAST * int(np.lcm.reduce([*shown, period])) <= side and rank in LARGEST:
            shown.append(period)
    return diagnosis(samples, periods=shown) if shown else None


def finite(where: str, result: Any) -> Array:
    """A result as an array.

    Raises:
        DataError: if it holds what is no number.
    """
    array = np.asarray(result)
    if not np.isfinite(array).all():
        raise DataError(f"repair: {where} gives numbers that are not finite on these inputs; give inputs that it was "
                        "trained for.")
    return array


def said(where: str, row: Convention, settings: Sequence[Spec]) -> dict[str, Any]:
    """A framework's arguments for the first of these settings that it has words for.

    Raises:
        UnsupportedError: if it has none for any.
    """
    refusal: UnsupportedError | None = None
    for setting in settings:
        try:
            return dict(row.write(setting, None))
        except UnsupportedError as error:
            refusal = refusal or error
    raise UnsupportedError(f"repair: the layer {where!r} cannot be said with a longer kernel ({refusal}); take another "
                           "blur, or export the model to ONNX and repair that.")


def fixed() -> UnsupportedError:
    """What is said where a model's class, and not its file, says which layers it has."""
    return UnsupportedError("repair: layers are replaced in ONNX models only; export the model, or build it with the "
                            "kernel of tconv.resize.transposed_as_subpixel or transposed_as_resize_conv.")
