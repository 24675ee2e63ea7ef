"""A layer in a framework's own words, met by sizes."""

from __future__ import annotations

from ..conventions.text import read
from ..errors import SettingError
from ..geometry import problem_from_coarse, problem_from_fine
from .asked import Spelled

__all__ = ["spelled"]


def spelled(framework: str, text: str, sizes: tuple[int, ...], conv: bool) -> Spelled:
    """The layer that a line such as `Conv2DTranspose(64, 3, strides=2)` says.

    Raises:
        SettingError: if the line says no layer, not one of the input's axes, or the other of the two than `--conv`.

    >>> spelled("torch", "ConvTranspose1d(8, 4, 3, stride=2)", (5,), False).problem.fine
    (11,)
    """
    row, layer, arguments = read(f"{framework} {text}")
    if row.transposed and conv:
        raise SettingError(f"explain: --conv and {layer.name} say different layers; leave --conv out.")
    if layer.rank not in (None, len(sizes)):
        raise SettingError(f"explain: {layer.name} has {layer.rank} ax{'i' if layer.rank == 1 else 'e'}s, but the "
                           f"input has {len(sizes)}, {'x'.join(map(str, sizes))}; give --input as many.")
    spec, said = row.read(arguments, sizes), row.channels(arguments)
    problem = (problem_from_coarse if row.transposed else problem_from_fine)(spec, sizes)
    return Spelled(problem, not row.transposed, (said.inputs or spec.groups, said.outputs or spec.groups))
