"""A network for use, not for training: each convolution takes up what stands before and behind it.

The network is read as a graph (`torch.fx`). A batch norm goes into the weights, an activation into the store, a repeat
of cells (nearest) with the convolution behind it becomes one transposed convolution, zeros around an input become
padding.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from . import around
from .activations import of_call, of_module
from .frozen import KINDS, NORMS, Draft, Frozen, kind_of
from .sequential import Sequential, hooked

__all__ = ["frozen"]


def frozen(network: nn.Module, swap: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """A fused copy of a network, in evaluation mode; `swap` does for layers that no graph tells of."""
    twin = copy.deepcopy(network).eval().requires_grad_(False)
    if kind_of(twin) in KINDS:
        draft = None if hooked(twin) else Draft.of(twin)
        return swap(twin) if draft is None else draft.layer()
    return _Freezer(swap)(twin)


@dataclass
class _Freezer:
    """One network's freezing: what has been done so far, and which of its parts no graph tells of."""

    swap: Callable[[nn.Module], nn.Module]
    done: dict[nn.Module, nn.Module] = field(default_factory=dict)
    opaque: set[nn.Module] = field(default_factory=set)

    def __call__(self, module: nn.Module) -> nn.Module:
        if module in self.done or isinstance(module, Frozen):
            return self.done.get(module, module)
        self.done[module] = module
        if not _composed(module):
            return self.swap(module)
        graph = self.traced(module)
        made: nn.Module = module if graph is None else _fused(graph)
        called = [name for name, _ in made.named_children()] if graph is None else [
            node.target for node in graph.graph.nodes if node.op == "call_module"]
        for name in called:
            made.set_submodule(name, self(made.get_submodule(name)))
        self.done[module] = made
        return made

    def traced(self, module: nn.Module) -> fx.GraphModule | None:
        """A network as a graph, in which those of its parts are whole that are none themselves."""
        graph = _traced(module, self.opaque)
        if graph is None and not hooked(module):
            found = {child for child in module.children() if _composed(child) and self.traced(child) is None}
            if found - self.opaque:
                self.opaque |= found
                graph = _traced(module, self.opaque)
        return graph


def _composed(module: nn.Module) -> bool:
    """Whether there are convolutions in a network, and it is none itself."""
    return any(kind_of(layer) in KINDS for layer in module.modules() if layer is not module)


class _Tracer(fx.Tracer):
    def __init__(self, opaque: set[nn.Module]) -> None:
        super().__init__()
        self.opaque = opaque

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        ours = type(m).__module__.startswith("tconv.torch") and type(m) is not Sequential
        return ours or m in self.opaque or hooked(m) or super().is_leaf_module(m, module_qualified_name)


def _traced(module: nn.Module, opaque: set[nn.Module]) -> fx.GraphModule | None:
    """A network as a graph; None where a graph does not say all that its forward does.

    It is read twice: numbers that differ, as those drawn at random, would be constants of the graph.
    """
    if hooked(module):
        return None
    given = {name: one.default for name, one in inspect.signature(module.forward).parameters.items()
             if one.default is not one.empty}
    try:
        with torch.random.fork_rng(devices=[]):
            one, two = (fx.GraphModule(module, _Tracer(opaque).trace(module, given)) for _ in range(2))
    except Exception:  # whatever a forward does when it is given no numbers
        return None
    return one if one.code == two.code and _same_constants(one, two) else None


def _same_constants(one: fx.GraphModule, two: fx.GraphModule) -> bool:
    names = [node.target for node in one.graph.nodes if node.op == "get_attr"]
    pairs = [(_attribute(one, name), _attribute(two, name)) for name in names]
    return all(a is b or (isinstance(a, Tensor) and torch.equal(a, b)) for a, b in pairs)


def _attribute(module: Any, name: str) -> Any:
    for part in name.split("."):
        module = getattr(module, part)
    return module


def _fused(graph: fx.GraphModule) -> fx.GraphModule:
    layers = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        if node.op == "call_module" and len(node.args) == 1 and not node.kwargs:
            layer = layers[node.target]
            draft = None if kind_of(layer) not in KINDS or hooked(layer) else Draft.of(layer)
            if draft is not None:
                _put(graph, layers, node, draft)
    around.lay_out(graph, layers)
    graph.graph.lint()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _put(graph: fx.GraphModule, layers: dict[str, nn.Module], node: Any, draft: Draft) -> None:
    """One convolution in the graph, in the place of itself and of all that it takes up."""
    last = node
    for user, taken in _behind(node, layers, draft):
        last, draft = user, taken
    source, draft, prepare, finish = around.before(node.args[0], layers, draft)
    name = f"{str(node.target).replace('.', '_')}_frozen"
    while hasattr(graph, name):
        name += "_"
    layer = draft.layer()
    graph.add_module(name, layer)
    layers[name] = layer
    with graph.graph.inserting_before(node):  # there its input is what the convolution was given
        made = finish(graph.graph, graph.graph.call_module(name, (prepare(graph.graph, source),)))
    last.replace_all_uses_with(made)
    around.erase(graph.graph, last)


def _behind(node: Any, layers: dict[str, nn.Module], draft: Draft) -> Iterator[tuple[Any, Draft]]:
    """The nodes that follow a convolution and that it can take up, each with the draft that has done so."""
    while len(node.users) == 1:
        node = next(iter(node.users))
        if around.does_nothing(node, layers):
            yield node, draft
            continue
        norm = layers.get(node.target) if node.op == "call_module" else None
        if norm is not None and NORMS.get(type(norm)) == draft.rank and norm.running_mean is not None and (
                not hooked(norm)):
            draft = draft.normed(norm)
            yield node, draft
            continue
        finish = of_module(norm) if norm is not None and not hooked(norm) else _called(node)
        if finish is not None:
            yield node, replace(draft, finish=finish)
        return


def _called(node: Any) -> Any:
    if node.op not in ("call_function", "call_method"):
        return None
    return of_call(node.target, node.args[1:], node.kwargs)
