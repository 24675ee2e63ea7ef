"""An ONNX model that can be changed: who makes a value, who takes it, and which numbers are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from ..onnx_nested import nested

__all__ = ["Graph", "Part", "attributes", "inferred"]

Array = NDArray[Any]
Sizes = tuple[int | None, ...]
OWN = "tconv"  # new names begin with it
INITIALIZERS_ALONE = 4  # the version of ONNX's files from which an initializer need not be an input too


def attributes(node: NodeProto) -> dict[str, Any]:
    """What a node says, strings as such."""
    said = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {name: value.decode(errors="replace") if isinstance(value, bytes) else value for name, value in said.items()}


@dataclass(eq=False)
class Part:
    """New nodes and the numbers that they need, under names that nobody has.

    Args:
        stem: what the new names tell of.
        taken: names that are in use.
        known: arrays that have a name already, by their identity.
    """

    stem: str
    taken: set[str]
    known: Mapping[int, str] = field(default_factory=dict)
    nodes: list[NodeProto] = field(default_factory=list)
    numbers: dict[str, Array] = field(default_factory=dict)

    def number(self, array: Any, what: str) -> str:
        """The name under which the new nodes find an array."""
        if id(array) in self.known:
            return self.known[id(array)]
        name = self._fresh(what)
        self.numbers[name] = np.ascontiguousarray(array)
        return name

    def node(self, op: str, inputs: Sequence[str], output: str | None = None, **said: Any) -> str:
        """Add a node; the name of its result."""
        return self.put(helper.make_node(op, inputs, [output or ""], **said))

    def put(self, node: NodeProto) -> str:
        """Add a node that is made already, under a name of its own; the name of its result, new if it has none."""
        node.name = self._fresh(node.op_type)
        node.output[0] = node.output[0] or self._fresh(f"{node.op_type}-result")
        self.nodes.append(node)
        return node.output[0]

    def _fresh(self, what: str) -> str:
        name, count = f"{OWN}/{self.stem}/{what}", 1
        while name in self.taken:
            count += 1
            name = f"{OWN}/{self.stem}/{what}-{count}"
        self.taken.add(name)
        return name


class Graph:
    """The main graph of a model as a list of nodes to be replaced; whatever it does not know passes through.

    Args:
        model: is copied, and stays as it is.
        shapes: of values by name, as far as they are known.
    """

    def __init__(self, model: ModelProto, shapes: Mapping[str, Sizes] | None = None):
        self.model = ModelProto()
        self.model.CopyFrom(model)
        self.shapes = dict(shapes or {})
        self.nodes: list[NodeProto] = list(self.model.graph.node)
        del self.model.graph.node[:]
        self._tensors = {one.name: one for one in self.model.graph.initializer}
        self._arrays: dict[str, Array] = {}
        self._new: dict[str, Array] = {}
        self._held = {one.name for one in model.graph.output} | set(_captured(model.graph))
        self.taken = set(_names(model.graph))
        self._index()

    @property
    def opset(self) -> int:
        """The version of the standard's own operators."""
        return max((one.version for one in self.model.opset_import if one.domain in ("", "ai.onnx")), default=0)

    @property
    def outputs(self) -> list[str]:
        """The values that the model gives."""
        return [one.name for one in self.model.graph.output]

    def maker(self, value: str) -> NodeProto | None:
        """The node that makes a value."""
        return self._maker.get(value)

    def takers(self, value: str) -> list[NodeProto]:
        """The nodes that take a value, once for each time that they do."""
        return self._takers.get(value, [])

    def only(self, value: str) -> NodeProto | None:
        """The one node that takes a value which nobody else sees, not the caller, nor a nested graph."""
        takers = self.takers(value)
        return takers[0] if len(takers) == 1 and value not in self._held else None

    def array(self, value: str) -> Array | None:
        """The numbers of a value that is the same in every run; None where it is not."""
        if value in self._new:
            return self._new[value]
        if value not in self._arrays:
            tensor = self._tensor(value)
            if tensor is None:
                return None
            self._arrays[value] = numpy_helper.to_array(tensor)
        return self._arrays[value]

    def sizes(self, value: str) -> Sizes | None:
        """A value's shape, None for sizes that differ from run to run; None where not even the number is known."""
        array = self.array(value)
        return self.shapes.get(value) if array is None else array.shape

    def part(self, stem: str) -> Part:
        """Room for new nodes."""
        return Part(stem.strip("/"), self.taken, {id(array): name for name, array in self._arrays.items()})

    def replace(self, old: Sequence[NodeProto], part: Part) -> None:
        """Put new nodes where the last of the old ones stood."""
        gone = {id(node) for node in old}
        places = [place for place, node in enumerate(self.nodes) if id(node) in gone]
        before, after = self.nodes[: places[-1]], self.nodes[places[-1] + 1 :]
        self.nodes = [*(node for node in before if id(node) not in gone), *part.nodes, *after]
        self._new.update(part.numbers)
        self._index()

    def to_model(self) -> ModelProto:
        """The model as it is now, without numbers that nobody needs any more."""
        model = ModelProto()
        model.CopyFrom(self.model)
        used = {name for node in self.nodes for name in node.input} | self._held
        model.graph.node.extend(node for node in self.nodes if node.op_type != "Constant" or node.output[0] in used)
        kept = [one for one in self.model.graph.initializer if one.name in used]
        del model.graph.initializer[:]
        model.graph.initializer.extend(kept)
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in self._new.items()
                                       if name in used)
        _initializers_alone(model)
        return model

    def _tensor(self, value: str) -> TensorProto | None:
        node = self.maker(value)
        if node is not None and node.op_type == "Identity":
            return self._tensor(node.input[0])
        if node is not None and node.op_type == "Constant" and not node.domain:
            return next((one.t for one in node.attribute if one.name == "value"), None)
        return None if value in self._given else self._tensors.get(value)

    def _index(self) -> None:
        inputs = {one.name for one in self.model.graph.input}
        self._given = inputs if self.model.ir_version >= INITIALIZERS_ALONE else inputs - self._tensors.keys()
        self._maker = {name: node for node in self.nodes for name in node.output if name}
        self._takers: dict[str, list[NodeProto]] = {}
        for node in self.nodes:
            for name in filter(None, node.input):
                self._takers.setdefault(name, []).append(node)


def _captured(graph: GraphProto) -> Iterator[str]:
    """Every name that is said inside nested graphs: they may see the values around them."""
    for node in graph.node:
        for inner in nested(node):
            yield from _names(inner)


def _names(graph: GraphProto) -> Iterator[str]:
    for rows in (graph.input, graph.output, graph.initializer, graph.value_info):
        yield from (one.name for one in rows)
    for node in graph.node:
        yield from (*node.input, *node.output, node.name)
    yield from _captured(graph)


def _initializers_alone(model: ModelProto) -> None:
    """The newer form, in which what was an input only because it is an initializer is an input no longer."""
    if model.ir_version >= INITIALIZERS_ALONE:
        return
    held = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in held]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = INITIALIZERS_ALONE


def inferred(model: ModelProto) -> dict[str, Sizes]:
    """The shapes of values, as far as ONNX can tell."""
    try:
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception:  # the inference has no common kind of error, and a model without it is still a model
        graph = model.graph
    rows = [one for one in (*graph.input, *graph.value_info, *graph.output) if one.type.tensor_type.HasField("shape")]
    return {one.name: tuple(size.dim_value if size.HasField("dim_value") else None
                            for size in one.type.tensor_type.shape.dim) for one in rows}
