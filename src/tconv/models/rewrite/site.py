"""A place in a graph where a pass can do the same in another way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnx import NodeProto

from .graph import Graph, Part
from .layer import ROWS, Layer

__all__ = ["ALWAYS", "ASKED", "FASTER", "Pass", "Site"]

ALWAYS, FASTER, ASKED = "always", "where it is faster", "where it is asked for"


@dataclass(frozen=True, eq=False)
class Site:
    """Nodes that one value comes out of, and other nodes that would give it.

    Args:
        nodes: those to be replaced, in the order in which they run.
        inputs: the values that go in and differ from run to run.
        output: the value that comes out; it keeps its name.
        ways: to do the same, each adds its nodes to a part.
        where: the name of the layer in question.
        channels, rank, dtype: of the first value that goes in: its channels, spatial axes and kind of numbers.
    """

    nodes: tuple[NodeProto, ...]
    inputs: tuple[str, ...]
    output: str
    ways: Mapping[str, Callable[[Part], object]]
    where: str
    channels: int
    rank: int
    dtype: str

    @classmethod
    def of(cls, layer: Layer, nodes: Sequence[NodeProto], ways: Mapping[str, Callable[[Part], object]]) -> Site:
        """The place of a layer: what goes in and comes out of it."""
        where = next(node.name or node.output[0] for node in nodes if node.op_type in ROWS)
        return cls(tuple(nodes), (layer.x,), layer.y, ways, where, layer.inputs, layer.rank, layer.kernel.dtype.name)


@dataclass(frozen=True)
class Pass:
    """One rewriting.

    Args:
        name: how it is switched on and off.
        says: what it does, in words.
        when: `ALWAYS`, since it only leaves something out; where it is `FASTER`; or where it is `ASKED` for,
            since it is for other machines than this.
        sites: every place in a graph where it fits.
        opset: the first version of the standard's operators that has what it writes.
    """

    name: str
    says: str
    when: str
    sites: Callable[[Graph], Iterator[Site]]
    opset: int = 1
