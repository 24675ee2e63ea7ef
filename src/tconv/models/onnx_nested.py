"""Graphs within ONNX nodes, as If, Loop and Scan have them: what they hold, and what they read from outside."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import GraphProto, NodeProto

__all__ = ["everywhere", "nested", "read_inside"]


def nested(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs that a node carries."""
    for one in node.attribute:
        if one.HasField("g"):
            yield one.g
        yield from one.graphs


def everywhere(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph, and all that lie within it."""
    yield graph
    for node in graph.node:
        for inner in nested(node):
            yield from everywhere(inner)


def read_inside(node: NodeProto) -> Iterator[str]:
    """The values that the graphs within a node take from around it, in order, each once for each time."""
    for graph in nested(node):
        own = {one.name for one in (*graph.input, *graph.initializer)}
        for inner in graph.node:
            yield from (name for name in (*inner.input, *read_inside(inner)) if name and name not in own)
            own.update(inner.output)
        yield from (one.name for one in graph.output if one.name not in own)
