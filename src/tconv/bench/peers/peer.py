"""What a row of the table says, and what a peer's file gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import metadata
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ...errors import SettingError
from ...methods.channels import Array
from ..facts import LIVE, Timing

__all__ = ["Peer", "Program", "chosen"]


class Program(NamedTuple):
    """One way to do a task.

    Args:
        run: does it once, and returns when it is done.
        result: what `run` returned as a channels-last array, a kernel as `(*K, D / groups, C)`, a loss as it is.
    """

    run: Callable[[], Any]
    result: Callable[[Any], Array | np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Peer:
    """One row of the table.

    Args:
        name: in tables and on the command line.
        module: its file, by its whole name.
        packages: what has to be installed: module, and what pip calls it.
        passes: which tasks it does.
        dtypes: of which arrays.
        kernels: "live" if the kernel is given with each call, "frozen" if it is a constant.
        ours: whether it is us.
        environment: variables that its process starts with.
    """

    name: str
    module: str
    packages: Mapping[str, str]
    passes: Sequence[str]
    dtypes: Sequence[str] = ("float32",)
    kernels: str = LIVE
    ours: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """What is not installed and how to get it, or nothing."""
        names = [package for module, package in self.packages.items() if find_spec(module) is None]
        return f"not installed: pip install {' '.join(names)}" if names else ""

    @property
    def versions(self) -> dict[str, str]:
        """Of its packages, once they are there."""
        return {package: metadata.version(package) for package in self.packages.values()}

    def serves(self, passing: str, dtype: str) -> bool:
        """Whether it does such tasks at all."""
        return passing in self.passes and dtype in self.dtypes

    def timing(self, way: str, milliseconds: float, low: float, high: float, calls: int,
               error: float | None) -> Timing:
        """What was measured of it."""
        return Timing(self.name, self.kernels, self.ours, way, milliseconds, low, high, calls, error)


def chosen(peers: Sequence[Peer], names: Sequence[str]) -> tuple[Peer, ...]:
    """The peers of these names, and ours; a name may end in `*`. All, if there are no names.

    Raises:
        SettingError: if a name fits no peer.
    """
    for name in names:
        if not any(fnmatchcase(peer.name.lower(), name.lower()) for peer in peers):
            raise SettingError(f"bench: peers has {name!r}, which fits none of {', '.join(one.name for one in peers)}.")
    return tuple(peer for peer in peers if not names or peer.ours
                 or any(fnmatchcase(peer.name.lower(), name.lower()) for name in names))
