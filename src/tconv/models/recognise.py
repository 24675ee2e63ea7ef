"""What a model says in several operations and is one: upsampling by copies and reshapes, `x * sigmoid(x)`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..resize import pixel_shuffle
from ..resize.shuffle import ORDERS
from .chains import Shuffle
from .facts import Resize
from .graph import Array, Graph, Node

__all__ = ["recognised"]

MOVES = ("move", "concat", "same")
MOST = 2**22  # numbers to move while looking
LONGEST = 8  # operations that one upsampling is written in


def recognised(graph: Graph) -> Graph:
    """The graph with each chain of copies and reshapes that is a nearest resize or a pixel shuffle as that one node.

    They are found by moving numbers through them.
    """
    graph = replace(graph, nodes=_gated(graph.nodes))
    makers = {value: node for node in graph.nodes for value in node.outputs}
    found: dict[str, tuple[Node, set[str]]] = {}
    gone: set[str] = set()
    for node in reversed(graph.nodes):
        if node.op in ("move", "concat") and node.where not in gone:
            match = _match(graph, node, makers)
            if match is not None:
                found[node.where] = match
                gone |= match[1]
    nodes = [found[node.where][0] if node.where in found else node for node in graph.nodes]
    return replace(graph, nodes=_joined(_wanted(nodes, graph.outputs, gone), graph.outputs))


def _joined(nodes: list[Node], outputs: tuple[str, ...]) -> tuple[Node, ...]:
    """Nearest resizes one behind the other, an axis each perhaps, as one."""
    taken = [value for node in nodes for value in node.inputs]
    alone = {node.output: node for node in nodes if _repeats(node) and taken.count(node.output) == 1
             and node.output not in outputs}
    kept: dict[str, Node] = {}
    for node in nodes:
        before = kept.get(alone[node.inputs[0]].where) if _repeats(node) and node.inputs[0] in alone else None
        if before is not None:
            del kept[before.where]
            factor = tuple(a * b for a, b in zip(before.data.factor, node.data.factor, strict=True))
            node = replace(node, inputs=before.inputs, data=replace(node.data, factor=factor))
        kept[node.where] = node
    return tuple(kept.values())


def _repeats(node: Node) -> bool:
    return (node.op == "resize" and node.data.interpolation == "nearest" and node.data.factor is not None
            and all(isinstance(times, int) for times in node.data.factor))


def _wanted(nodes: list[Node], outputs: tuple[str, ...], gone: set[str]) -> list[Node]:
    """Without the nodes that only led to what was found."""
    kept: list[Node] = []
    needed = set(outputs)
    for node in reversed(nodes):
        if node.where not in gone or node.op in ("resize", "shuffle") or needed & set(node.outputs):
            kept.append(node)
            needed |= set(node.inputs)
    return kept[::-1]


def _match(graph: Graph, end: Node, makers: Mapping[str, Node]) -> tuple[Node, set[str]] | None:
    after = _alone(graph.shapes.get(end.output, ()))
    for start, between in _starts(end, makers):
        before = _alone(graph.shapes.get(start, ()))
        if not _finer(graph, before, after):
            continue
        moved = _moved(np.arange(math.prod(before)).reshape(before), start, end, between)
        node = None if moved is None else _named(graph, start, end, between, moved)
        if node is not None:
            return node, {one.where for one in between}
    return None


def _alone(shape: tuple[int | None, ...]) -> Any:
    """A shape with a batch of one where the model leaves that open."""
    return (shape[0] or 1, *shape[1:]) if shape else shape


def _finer(graph: Graph, before: tuple[int | None, ...], after: tuple[int | None, ...]) -> bool:
    """Whether each size is a multiple, one of them a larger one, and the numbers are few enough to look at."""
    if len(before) != len(after) or len(before) < 3 or not all((*before, *after)) or before[0] != after[0]:
        return False
    grids = (before[1:-1], after[1:-1]) if graph.last else (before[2:], after[2:])
    rows: Any = list(zip(*grids, strict=True))
    size: Any = after
    return math.prod(size) <= MOST and _multiples(rows)


def _multiples(rows: list[tuple[int, int]]) -> bool:
    return all(b % a == 0 for a, b in rows) and any(b > a for a, b in rows)


def _starts(end: Node, makers: Mapping[str, Node]) -> Iterator[tuple[str, list[Node]]]:
    """Values that alone decide the end through moves, the nearest first, and the moves between."""
    between, edge = [end], list(dict.fromkeys(end.inputs))
    while len(between) <= LONGEST:
        if len(edge) == 1:
            yield edge[0], list(between)
        inner = [value for value in edge if value in makers and makers[value].op in MOVES]
        if not inner:
            return
        node = makers[inner[-1]]
        if node not in between:
            between.append(node)
        edge = list(dict.fromkeys([value for value in edge if value not in node.outputs] + list(node.inputs)))


def _moved(numbers: Array, start: str, end: Node, between: list[Node]) -> Array | None:
    values = {start: numbers}
    for node in reversed(between):
        try:
            taken = [values[value] for value in node.inputs]
            values[node.output] = (np.concatenate(taken, node.data) if node.op == "concat" else
                                   taken[0] if node.op == "same" else node.data(*taken))
        except (KeyError, ValueError, IndexError):
            return None
        if values[node.output].size > MOST:
            return None
    return values[end.output]


def _named(graph: Graph, start: str, end: Node, between: list[Node], moved: Array) -> Node | None:
    """The one node that moves numbers in the same way."""
    before = _alone(graph.shapes[start])
    numbers: Array = np.arange(math.prod(before)).reshape(before)
    if not graph.last:
        numbers, moved = np.moveaxis(numbers, 1, -1), np.moveaxis(moved, 1, -1)
    factor = tuple(b // a for a, b in zip(numbers.shape[1:-1], moved.shape[1:-1], strict=True))
    repeated: Any = numbers
    for axis, times in enumerate(factor, start=1):
        repeated = np.repeat(repeated, times, axis)
    if repeated.shape == moved.shape and (repeated == moved).all():
        way = "concatenation" if any(node.op == "concat" for node in between) else "repeat"
        data = Resize(end.where, "nearest", factor, "asymmetric", way)
        return Node(end.where, "resize", end.says, (start,), end.outputs, data)
    if numbers.size == moved.size and numbers.shape[-1] == moved.shape[-1] * math.prod(factor):
        for order in ORDERS:
            if (pixel_shuffle(numbers, factor, order=order) == moved).all():
                return Node(end.where, "shuffle", end.says, (start,), end.outputs, Shuffle(factor, order))
    return None


def _gated(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """`x * sigmoid(x)` as the one activation that it is."""
    gates = {node.output: node for node in nodes if node.op == "activation" and node.data == "sigmoid"}
    found = {}
    for node in nodes:
        mine = [gates[value] for value in node.inputs if value in gates]
        if node.op == "each" and node.data == "mul" and len(mine) == 1 and mine[0].inputs[0] in node.inputs:
            found[node.where] = mine[0]
    taken = [value for node in nodes for value in node.inputs]
    spare = {gate.where for gate in found.values() if taken.count(gate.output) == 1}
    return tuple(node if node.where not in found else
                 Node(node.where, "activation", node.says, found[node.where].inputs, node.outputs, "silu")
                 for node in nodes if node.where not in spare)
