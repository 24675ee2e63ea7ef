"""Operators that treat each number alone: they may come before or after numbers change their places."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import NodeProto

from .graph import Graph, Part

__all__ = ["ALONE", "followed", "following"]

ALONE = {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "Clip", "Elu", "Selu", "HardSigmoid", "HardSwish", "Softplus",
         "Softsign", "ThresholdedRelu", "Gelu", "Mish", "Celu"}


def following(graph: Graph, value: str) -> tuple[NodeProto, ...]:
    """The nodes behind a value that treat each number alone, one after another, with nobody else looking on."""
    found: list[NodeProto] = []
    while True:
        node = graph.only(value)
        if node is None or node.input[0] != value or not _alone(graph, node):
            return tuple(found)
        found.append(node)
        value = node.output[0]


def followed(part: Part, value: str, follow: Sequence[NodeProto], output: str | None = None) -> str:
    """The same nodes behind another value; the name of what comes out."""
    for node in follow:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[0], copy.output[0] = value, ""
        value = part.put(copy)
    if output is not None:
        part.nodes[-1].output[0] = output
    return output or value


def _alone(graph: Graph, node: NodeProto) -> bool:
    fixed = all(graph.array(name) is not None for name in node.input[1:] if name)
    return fixed and node.op_type in ALONE and not node.domain
