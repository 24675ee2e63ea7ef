"""What is measured: the layers of `layers.csv`, three passes over each, and what each pass has to give."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError, SettingError
from ..geometry import Cost, Extent, Problem, Spec, cost, problem_from_coarse
from ..methods import METHODS, conv, kernel_gradient
from ..methods.channels import Array

__all__ = ["DTYPES", "LAYERS", "PASSES", "Arrays", "Layer", "Task", "chosen", "draw", "expected", "layers", "rounded"]

LAYERS = Path(__file__).with_name("layers.csv")
ITEMSIZE = {"float32": 4, "bfloat16": 2}
DTYPES = tuple(ITEMSIZE)


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the list: a transposed convolution met in a real network."""

    name: str
    family: str
    problem: Problem
    extent: Extent


class Arrays(NamedTuple):
    """Coarse `(N, *coarse, C)`, fine `(N, *fine, D)` and kernel `(*K, D / groups, C)`, float32."""

    x: Array
    y: Array
    w: Array


PASSES: dict[str, Callable[[Arrays, Problem], Array]] = {
    "forward": lambda a, problem: METHODS["columns"](a.x, a.w, problem),
    "input gradient": lambda a, problem: conv(a.y, a.w, problem),
    "kernel gradient": lambda a, problem: kernel_gradient(a.y, a.x, problem),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement: a pass over a layer, with arrays of a dtype, on so many threads."""

    layer: Layer
    passing: str
    dtype: str
    threads: int

    @property
    def name(self) -> str:
        """The layer's."""
        return self.layer.name

    @property
    def cost(self) -> Cost:
        """The useful work, counted exactly."""
        return cost(self.layer.problem, self.layer.extent, itemsize=ITEMSIZE[self.dtype])

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Task:
        """From what `plain` gave, through JSON."""
        layer = plain["layer"]
        problem: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                   for name, value in layer["problem"].items()}
        found = Layer(layer["name"], layer["family"], Problem(**problem), Extent(*layer["extent"]))
        return cls(found, plain["passing"], plain["dtype"], plain["threads"])


def layers(path: Path = LAYERS) -> tuple[Layer, ...]:
    """The rows of a list such as `layers.csv`, whose columns it has to have.

    Raises:
        DataError: if the file is missing or a row is not a layer.

    >>> len(layers()), layers()[1].name
    (40, 'dcgan-2')
    """
    try:
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a list of layers ({error}); give a CSV file.") from None
    return tuple(_layer(path, line, row) for line, row in enumerate(rows, start=2))


def _layer(path: Path, line: int, row: dict[str, str]) -> Layer:
    try:
        number = {name: int(value) for name, value in row.items() if name not in ("name", "family")}
        rank = number["dims"]
        spec = Spec.of((number["kernel"],) * rank, stride=number["stride"], dilation=number["dilation"],
                       crop=((number["crop_lo"], number["crop_hi"]),) * rank, groups=number["groups"])
        problem = problem_from_coarse(spec, (number["size"],) * rank)
        return Layer(row["name"], row["family"], problem, Extent(number["batch"], number["cin"], number["cout"]))
    except KeyError as error:
        raise DataError(f"{path}, line {line}: has no column {error}; the first line has to be that of "
                        f"{LAYERS.name}.") from None
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}, line {line}: is not a layer ({error}).") from None


def chosen(known: Sequence[Layer], names: Sequence[str]) -> tuple[Layer, ...]:
    """The layers of these names; a name may end in `*`. All, if there are no names.

    Raises:
        SettingError: if a name fits no layer.

    >>> [layer.name for layer in chosen(layers(), ["unet-*"])]
    ['unet-1', 'unet-2', 'unet-3']
    """
    from fnmatch import fnmatchcase

    for name in names:
        if not any(fnmatchcase(layer.name, name) for layer in known):
            told = ", ".join(layer.name for layer in known)
            raise SettingError(f"bench: layers has {name!r}, which fits none of {told}.")
    return tuple(layer for layer in known if not names or any(fnmatchcase(layer.name, name) for name in names))


def draw(layer: Layer, dtype: str) -> Arrays:
    """Random arrays for a layer, the same each time; float32 numbers, those of bfloat16 if that is the dtype."""
    problem, (batch, coarse, fine) = layer.problem, layer.extent
    problem.check_memory("bench", layer.extent, 8)
    rng = np.random.default_rng(0)
    shapes = ((batch, *problem.coarse, coarse), (batch, *problem.fine, fine),
              (*problem.kernel, fine // problem.groups, coarse))
    x, y, w = (rng.standard_normal(shape, np.float32) for shape in shapes)
    w /= np.float32(np.sqrt(max(1, w[..., 0].size)))
    return Arrays(x, y, w) if dtype == "float32" else Arrays(rounded(x), rounded(y), rounded(w))


def rounded(array: Array) -> Array:
    """Each number as the nearest one that bfloat16 has, still float32.

    >>> rounded(np.float32([1.0, 1.001, 3.14159]))
    array([1.    , 1.    , 3.140625], dtype=float32)
    """
    bits = array.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def expected(passing: str, arrays: Arrays, problem: Problem) -> Array:
    """What a pass has to give, in float64, by the portable methods in NumPy."""
    return PASSES[passing](Arrays(*(array.astype(np.float64) for array in arrays)), problem)
