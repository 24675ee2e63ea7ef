"""What stands around a convolution in a graph: what it takes up from before it, and how its results lie in memory."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from .activations import CALLS, MODULES
from .frozen import KINDS, NORMS, Draft, Frozen, kind_of

__all__ = ["Before", "before", "does_nothing", "erase", "lay_out"]

Node = Any  # of a graph; its arguments are of more kinds than a type checker can follow
Layers = dict[str, nn.Module]
Make = Callable[[fx.Graph, Node], Node]

IDLE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
ZEROS = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)
EDGES = {nn.ReplicationPad1d: "replicate", nn.ReplicationPad2d: "replicate", nn.ReplicationPad3d: "replicate",
         nn.ReflectionPad1d: "reflect", nn.ReflectionPad2d: "reflect", nn.ReflectionPad3d: "reflect"}
NEAREST = ("nearest", "nearest-exact")  # the same where the factor is whole

CARRIES = frozenset({
    *CALLS, torch.add, torch.sub, torch.mul, torch.cat, torch.clamp, F.interpolate, F.max_pool2d, F.avg_pool2d,
    F.adaptive_avg_pool2d, F.pad, F.pixel_shuffle, F.hardtanh, F.relu6, operator.add, operator.sub, operator.mul,
    operator.iadd, operator.imul, operator.truediv, operator.getitem, getattr, "add", "add_", "sub", "mul", "mul_",
    "clamp", "size", "dim", "mean", "sum", "flatten", "reshape", "contiguous",
})
"""Functions, and methods by their names, that take an array however it lies, and hand it on as it lies."""

CARRYING = (*KINDS, *NORMS, *MODULES, *IDLE, *ZEROS, *EDGES, Frozen, nn.Upsample, nn.UpsamplingNearest2d,
            nn.UpsamplingBilinear2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
            nn.PixelShuffle, nn.PReLU, nn.ELU, nn.ReLU6, nn.Hardtanh, nn.Flatten)


class Before(NamedTuple):
    """What a convolution is to read instead of its input, and what is done before it and after it."""

    source: Node
    draft: Draft
    prepare: Make = lambda graph, node: node
    finish: Make = lambda graph, node: node


class Pad(NamedTuple):
    """Cells put around an array."""

    mode: str
    ends: tuple[tuple[int, int], ...]


def does_nothing(node: Node, layers: Layers) -> bool:
    """Whether a node hands on what it is given, in evaluation mode."""
    if node.op == "call_module":
        return type(layers.get(str(node.target))) in IDLE
    return node.target is F.dropout and node.kwargs.get("training") is False


def before(source: Node, layers: Layers, draft: Draft) -> Before:
    """What a convolution takes up from before it: zeros around its input, and a repeat of cells."""
    if draft.transposed or isinstance(draft.padding, str):
        return Before(source, draft)
    pad = _pad(source, layers, draft.rank) if _alone(source, layers) else None
    inside = source.args[0] if pad is not None else source
    factor = _factor(inside, layers, draft.rank) if _alone(inside, layers) else None
    plain = {*draft.stride, *draft.dilation} == {1}
    if pad is not None and pad.mode == "constant":
        source, draft, pad = inside, draft.after_zeros(pad.ends), None
    if factor is None or not plain:
        return Before(source, draft)
    grid = inside.args[0]
    if pad is not None:
        return _edged(grid, draft, factor, pad) or Before(source, draft)
    if draft.weight.shape[2:].numel() == 1 and not any(map(any, draft.padding)):
        return Before(grid, draft, finish=_again(inside))  # a cell by itself: repeated afterwards
    return Before(grid, draft.after_nearest(factor))


def _edged(grid: Node, draft: Draft, factor: Sequence[int], pad: Pad) -> Before | None:
    """Repeated cells with their edges repeated, too: one more repeated cell, of which not all is looked at."""
    if any(map(any, draft.padding)) or (
            pad.mode == "reflect" and any(end >= f for f, ends in zip(factor, pad.ends) for end in ends)):
        return None
    more = [[-(-end // f) for end in ends] for f, ends in zip(factor, pad.ends, strict=True)]
    cut = tuple((lo - a * f, hi - b * f) for f, (lo, hi), (a, b) in zip(factor, pad.ends, more, strict=True))
    ends = [end for pair in reversed(more) for end in pair]

    def prepare(graph: fx.Graph, node: Node) -> Node:
        return graph.call_function(F.pad, (node, ends), {"mode": "replicate"})

    return Before(grid, replace(draft, padding=cut).after_nearest(factor), prepare)


def _again(node: Node) -> Make:
    """The same call, of another array."""
    def make(graph: fx.Graph, array: Node) -> Node:
        return graph.create_node(node.op, node.target, (array, *node.args[1:]), dict(node.kwargs))

    return make


def _alone(node: Any, layers: Layers) -> bool:
    """Whether one node alone uses this one, and nobody writes into what it is made of."""
    if not isinstance(node, fx.Node) or len(node.users) != 1 or not node.args or not isinstance(node.args[0], fx.Node):
        return False
    return not any(_writes(user, layers) for user in node.args[0].users)


def _writes(node: Node, layers: Layers) -> bool:
    """Whether a node may change an array that it is given."""
    if node.op == "call_method":
        return str(node.target).endswith("_")
    if node.op == "call_module":
        return bool(getattr(layers[str(node.target)], "inplace", False))
    name = getattr(node.target, "__name__", "")
    return bool(node.kwargs.get("inplace")) or name.endswith("_") or name in ("iadd", "isub", "imul", "setitem") or (
        True in node.args)


def _pad(node: Node, layers: Layers, rank: int) -> Pad | None:
    """The cells that a node puts around its input."""
    if node.op == "call_module":
        layer: Any = layers[str(node.target)]
        mode = "constant" if type(layer) in ZEROS and not getattr(layer, "value", 0) else EDGES.get(type(layer))
        return None if mode is None else _checked(mode, layer.padding, rank)
    if node.target is not F.pad:
        return None
    ends, mode, value = (list(node.args[1:]) + [node.kwargs.get(name) for name in ("pad", "mode", "value")][
        len(node.args) - 1:])
    mode = mode or "constant"
    known = mode in ("replicate", "reflect") or (mode == "constant" and not value)
    return _checked(mode, ends, rank) if known else None


def _checked(mode: str, ends: Any, rank: int) -> Pad | None:
    whole = isinstance(ends, list | tuple) and len(ends) == 2 * rank and all(
        isinstance(end, int) and end >= 0 for end in ends)
    return Pad(mode, tuple(zip(ends[::2], ends[1::2], strict=True))[::-1]) if whole else None


def _factor(node: Node, layers: Layers, rank: int) -> tuple[int, ...] | None:
    """How often a node repeats each cell along each axis."""
    if node.op == "call_module" and isinstance(layers[str(node.target)], nn.Upsample):
        layer: Any = layers[str(node.target)]
        said = (layer.size, layer.scale_factor, layer.mode)
    elif node.target is F.interpolate:
        names = ("size", "scale_factor", "mode")
        given = dict(zip(names, node.args[1:])) | dict(node.kwargs)
        said = (given.get("size"), given.get("scale_factor"), given.get("mode", "nearest"))
    else:
        return None
    size, scale, mode = said
    each = tuple(scale) if isinstance(scale, list | tuple) else (scale,) * rank
    if size is not None or mode not in NEAREST or len(each) != rank:
        return None
    whole = all(isinstance(one, int | float) and one >= 1 and one == int(one) for one in each)
    return tuple(int(one) for one in each) if whole else None


def erase(graph: fx.Graph, node: Node) -> None:
    """Take a node out that nobody uses, and those that it alone used."""
    if node.users or node.op in ("placeholder", "output"):
        return
    sources = node.all_input_nodes
    graph.erase_node(node)
    for source in sources:
        erase(graph, source)


def lay_out(graph: fx.GraphModule, layers: Layers) -> None:
    """Let channels lie last from layer to layer, and as they used to where somebody might look."""
    last: set[Any] = set()
    entered = next((node for node in graph.graph.nodes if node.op == "placeholder"), None)
    for node in list(graph.graph.nodes):
        found = [source for source in node.all_input_nodes if source in last]
        starts = node.op == "call_module" and isinstance(layers.get(str(node.target)), Frozen)
        if starts or (found and _carries(node, layers)):
            last.add(node)
        else:
            for source in found:
                with graph.graph.inserting_before(node):
                    like = (entered,) if node.op == "output" and entered is not None else ()
                    node.replace_input_with(source, graph.graph.call_function(plain, (source, *like)))


def _carries(node: Node, layers: Layers) -> bool:
    if node.op == "call_module":
        return type(layers[str(node.target)]) in CARRYING or kind_of(layers[str(node.target)]) in KINDS
    return node.op in ("call_function", "call_method") and node.target in CARRIES


def plain(x: Tensor, entered: Any = None) -> Tensor:
    """An array that lies as PyTorch's own layers would have it, for a network whose input is `entered`."""
    if not isinstance(x, Tensor) or x.is_contiguous():
        return x
    kept = isinstance(entered, Tensor) and entered.dim() == x.dim() and not entered.is_contiguous()
    return x if kept else x.contiguous()
