"""A model as a list of operations in one set of words, whichever framework it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ..geometry import Spec

__all__ = ["MALFORMED", "Convolution", "Graph", "Node", "Shape", "Weight"]

MALFORMED = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError)
"""What comes of an operation whose arguments are missing, or of the wrong kind: it becomes one that is let be."""

Array = NDArray[Any]
Shape = tuple[int | None, ...]


class Weight(NamedTuple):
    """Numbers that the model holds, and their name in it."""

    name: str
    value: Array


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """What a node "conv" or "conv_transpose" carries.

    Args:
        read: from the input's sizes, or None, to the setting; raises a `TconvError` where they are wanted.
        arguments: the framework's own words.
        kernel: canonical, `(*K, D / groups, C)`; None where the model computes it.
        bias: per channel out.
        channels: those in and those out, None where not known.
    """

    read: Callable[[tuple[int, ...] | None], Spec]
    arguments: Mapping[str, Any]
    kernel: Weight | None
    bias: Weight | None
    channels: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation.

    Args:
        where: its place, unique in the model.
        op: what it does: "conv", "conv_transpose", "resize", "shuffle", "norm", "activation", "scale" and "shift" (by
            one number for each channel), "pad", "cut" (both ends of an axis), "move" (numbers change places only),
            "pool", "each" (cell by cell), "same" (nothing), "concat", or "other".
        says: the framework's own word.
        inputs: the values that it takes, those of the model's weights left out.
        outputs: the values that it gives.
        data: what its kind needs beside that.
    """

    where: str
    op: str
    says: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    data: Any = None

    @property
    def output(self) -> str:
        """The first value that it gives."""
        return self.outputs[0]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Operations in an order in which they can run.

    Args:
        nodes: each takes only values from before it.
        shapes: of values, batch included, None for sizes that are not known.
        inputs: values that the model is given.
        outputs: values that it gives.
        last: whether channels are the last axis, and not the second.
        itemsizes: bytes of one number, by value, where not 4.
    """

    nodes: tuple[Node, ...]
    shapes: Mapping[str, Shape]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    last: bool = False
    itemsizes: Mapping[str, int] = field(default_factory=dict)

    def grid(self, value: str) -> Shape:
        """A value's sizes without batch and channels; () where its shape is not known."""
        shape = self.shapes.get(value, ())
        return shape[1:-1] if self.last else shape[2:]

    def channels(self, value: str) -> int | None:
        """How many channels a value has, if that is known."""
        shape = self.shapes.get(value, ())
        return shape[-1 if self.last else 1] if len(shape) > 1 else None

    def takers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that take each value."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for value in node.inputs:
                found.setdefault(value, []).append(node)
        return {value: tuple(nodes) for value, nodes in found.items()}
