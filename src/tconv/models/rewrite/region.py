"""A piece of a model as a model of its own: a site with what stands around it, as it is and as it could be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from .cells import ALONE
from .graph import Graph, Part
from .site import Site

__all__ = ["Region", "surroundings"]

Array = NDArray[Any]
CELL_BY_CELL = ALONE | {"Add", "Mul", "PRelu", "BatchNormalization"}
LAYERS = {"Conv", "ConvTranspose"}
FAR = 4  # nodes to look before and behind


class Region:
    """A site and the nodes around it.

    Args:
        graph: the site's.
        site: the nodes that may be replaced.
        around: whether the layers before and behind belong to it: runtimes lay numbers out to suit neighbours.
    """

    def __init__(self, graph: Graph, site: Site, around: bool = True):
        before, after = surroundings(graph, site) if around else ([], [])
        self._graph, self._site = graph, site
        self._before, self._after = before, after
        self.output = after[-1].output[0] if after else site.output
        made = {name for node in (*before, *site.nodes, *after) for name in node.output}
        taken = [name for node in (*before, *site.nodes, *after) for name in node.input if name and name not in made]
        self.inputs = tuple(name for name in dict.fromkeys(taken) if graph.array(name) is None)

    def model(self, feed: Mapping[str, Array], way: Callable[[Part], object] | None = None) -> ModelProto:
        """The region as a model, in one of the site's ways or as it is."""
        part = Part("trial", set(self._graph.taken))
        if way is None:
            part.nodes.extend(self._site.nodes)
        else:
            way(part)
        nodes = [*self._before, *part.nodes, *self._after]
        known = ((name, self._graph.array(name)) for node in nodes for name in node.input)
        numbers = {name: array for name, array in known if array is not None} | part.numbers
        given = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                 for name, array in feed.items()]
        graph = helper.make_graph(nodes, "region", given, [helper.make_empty_tensor_value_info(self.output)],
                                  [numpy_helper.from_array(array, name) for name, array in numbers.items()])
        model = helper.make_model(graph, opset_imports=self._graph.model.opset_import)
        model.ir_version = max(self._graph.model.ir_version, 4)
        return model

    def drawn(self, rng: np.random.Generator) -> dict[str, Array] | None:
        """Random numbers of sizes that fit, for a model that cannot be run; None where nothing is known of them."""
        site, sizes = self._site, self._graph.sizes(self._site.inputs[0])
        if self.inputs != site.inputs:
            return None
        bare = (1, site.channels, *(DRAWN,) * site.rank)
        known = sizes if sizes is not None and len(sizes) == len(bare) else bare
        shape = [own if size is None else size for size, own in zip(known, bare)]
        return {self.inputs[0]: rng.standard_normal(shape).astype(site.dtype)}


DRAWN = 12  # cells on an axis of which nothing is known


def surroundings(graph: Graph, site: Site) -> tuple[list[NodeProto], list[NodeProto]]:
    """The nodes before and behind a site, up to the next layer on either side."""
    return _before(graph, site.inputs[0]), _after(graph, site.output)


def _before(graph: Graph, value: str) -> list[NodeProto]:
    found: list[NodeProto] = []
    while len(found) < FAR:
        node = graph.maker(value)
        if node is None or node.domain or not _plain(graph, node):
            break
        found.insert(0, node)
        if node.op_type in LAYERS:
            break
        value = next(name for name in node.input if graph.array(name) is None)
    return found if any(node.op_type in LAYERS for node in found) else []


def _after(graph: Graph, value: str) -> list[NodeProto]:
    found: list[NodeProto] = []
    while len(found) < FAR:
        node = graph.only(value)
        if node is None or node.domain or not _plain(graph, node):
            break
        found.append(node)
        if node.op_type in LAYERS:
            break
        value = node.output[0]
    return found


def _plain(graph: Graph, node: NodeProto) -> bool:
    """Whether a node takes one value that differs from run to run, and gives one."""
    differing = [name for name in node.input if name and graph.array(name) is None]
    return node.op_type in CELL_BY_CELL | LAYERS and len(differing) == 1 and len(node.output) == 1
