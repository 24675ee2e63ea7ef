"""Layers out of operations: what belongs together is one fact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import TconvError
from ..geometry import Spec
from .facts import LayerFact, Norm
from .graph import Convolution, Graph, Node

__all__ = ["Pad", "Shuffle", "layers"]

STARTS = ("conv", "conv_transpose", "resize", "shuffle")


class Pad(NamedTuple):
    """What a node "pad" carries: samples added at both ends of each spatial axis, and how they are filled."""

    pairs: tuple[tuple[int, int], ...]
    mode: str


class Shuffle(NamedTuple):
    """What a node "shuffle" carries: cells that each cell becomes, per axis, and a name in `ORDERS`."""

    factor: tuple[int, ...]
    order: str


def layers(graph: Graph, notes: list[str]) -> tuple[LayerFact, ...]:
    """Every convolution and every upsampling layer of a graph, with what is fused around it.

    Args:
        graph: as a reader makes it.
        notes: gets a sentence for each layer whose setting cannot be told.
    """
    takers = {value: nodes for value, nodes in graph.takers().items() if value not in graph.outputs}
    chains = list(_chains(graph, takers))
    return tuple(_fact(graph, takers, chain, notes) for chain in chains)


def _chains(graph: Graph, takers: Mapping[str, tuple[Node, ...]]) -> Iterator[tuple[Node, ...]]:
    """Nodes that make one layer together: pad and resize before a convolution, a pixel shuffle behind it."""
    seen: set[str] = set()
    for node in graph.nodes:
        if node.where in seen or node.op not in (*STARTS, "pad"):
            continue
        chain = _chain(node, takers)
        seen.update(one.where for one in chain)
        if any(one.op in STARTS for one in chain):
            yield chain


def _chain(node: Node, takers: Mapping[str, tuple[Node, ...]]) -> tuple[Node, ...]:
    chain = [node]
    follows = {"resize": ("pad", "conv"), "pad": ("conv",), "conv": ("shuffle",)}
    if node.op == "conv" and (behind := _shuffled(node, takers)):
        return (node, *behind)
    while (after := _only(chain[-1], takers)) is not None and after.op in follows.get(chain[-1].op, ()):
        if after.op == "conv" and chain[0].op == "resize" and not _slow(after.data):
            break
        if after.op == "shuffle" and len(chain) > 1:
            break
        chain.append(after)
    return tuple(chain[:1]) if chain[-1].op == "pad" else tuple(chain)


def _shuffled(node: Node, takers: Mapping[str, tuple[Node, ...]]) -> tuple[Node, ...]:
    """An activation and the pixel shuffle behind it, which might as well stand the other way round."""
    after = _only(node, takers)
    if after is None or after.op != "activation" or after.data in ("softmax", "prelu"):
        return ()
    last = _only(after, takers)
    return () if last is None or last.op != "shuffle" else (after, last)


def _only(node: Node, takers: Mapping[str, tuple[Node, ...]]) -> Node | None:
    """The one node that takes a node's value, if it is one, and the model itself does not give it."""
    found = takers.get(node.output, ())
    return found[0] if len(found) == 1 else None


def _slow(convolution: Convolution) -> bool:
    """Whether a convolution's stride is 1."""
    try:
        return all(axis.stride == 1 for axis in convolution.read(None).axes)
    except TconvError:
        return False


def _fact(graph: Graph, takers: Mapping[str, tuple[Node, ...]], chain: tuple[Node, ...], notes: list[str]) -> LayerFact:
    by_op = {node.op: node for node in chain}
    main = by_op.get("conv_transpose") or by_op.get("conv") or chain[-1]
    kind = ("resize_conv" if "resize" in by_op and "conv" in by_op else
            "conv_shuffle" if "shuffle" in by_op and "conv" in by_op else main.op)
    first, last = chain[0].inputs[0], chain[-1].output
    fact = LayerFact(
        where=main.where, kind=kind, says=main.says, input=graph.grid(first), output=graph.grid(last),
        channels=(graph.channels(first), graph.channels(last)), batch=_batch(graph, first),
        itemsize=graph.itemsizes.get(first, 4), parts=tuple(node.where for node in chain),
        resize=_resize(graph, by_op["resize"]) if "resize" in by_op else None,
        shuffle=by_op["shuffle"].data.factor if "shuffle" in by_op else None,
        order=by_op["shuffle"].data.order if "shuffle" in by_op else "")
    if "activation" in by_op:
        fact = replace(fact, activation=by_op["activation"].data)
    if isinstance(main.data, Convolution):
        fact = _convolved(graph, fact, main, by_op.get("pad"), notes)
    return _finished(fact, chain[-1], takers)


def _batch(graph: Graph, value: str) -> int:
    shape = graph.shapes.get(value, ())
    return shape[0] if shape and shape[0] else 1


def _resize(graph: Graph, node: Node) -> Any:
    """The resize with its factor, where the sizes tell it."""
    if node.data.factor is not None:
        return node.data
    before, after = graph.grid(node.inputs[0]), graph.grid(node.output)
    if not before or len(before) != len(after) or any(not size for size in (*before, *after)):
        return node.data
    ratios = (b / a for a, b in zip(before, after, strict=True))  # type: ignore[operator]
    return replace(node.data, factor=tuple(int(ratio) if ratio.is_integer() else ratio for ratio in ratios))


def _convolved(graph: Graph, fact: LayerFact, node: Node, pad: Node | None, notes: list[str]) -> LayerFact:
    """The fact with its convolution's setting, kernel and sizes."""
    told: Convolution = node.data
    ins, outs = told.channels
    outs = None if outs is None else outs // math.prod(fact.shuffle or ())
    channels = (fact.channels[0] if ins is None else ins, fact.channels[1] if outs is None else outs)
    fact = replace(fact, arguments=dict(told.arguments), channels=channels,
                   kernel=None if told.kernel is None else told.kernel.value,
                   weight="" if told.kernel is None else told.kernel.name,
                   bias=None if told.bias is None else told.bias.value)
    grid = graph.grid(node.inputs[0])
    try:
        spec = told.read(grid if grid and None not in grid else None)  # type: ignore[arg-type]
        if pad is not None:
            spec = _grown(spec, pad.data)
            fact = replace(fact, padding="zeros" if pad.data.mode == "constant" else pad.data.mode)
        fact = replace(fact, spec=spec)
        return fact.at(fact.input) if fact.input and None not in fact.input else fact
    except TconvError as error:
        notes.append(f"{node.where}: {error}")
        return fact


def _grown(spec: Spec, pad: Pad) -> Spec:
    """A convolution's setting with a pad in front of it as part of its padding."""
    rows = zip(spec.axes, pad.pairs, strict=True)
    axes = (replace(axis, crop=(axis.lo + lo, axis.hi + hi)) for axis, (lo, hi) in rows)
    return replace(spec, axes=tuple(axes))


def _finished(fact: LayerFact, node: Node, takers: Mapping[str, tuple[Node, ...]]) -> LayerFact:
    """The fact with bias, normalisation and activation right behind it."""
    after = _only(node, takers)
    while after is not None and not fact.activation:
        if after.op == "activation":
            fact = replace(fact, activation=after.data, parts=(*fact.parts, after.where))
        elif after.op == "norm" and fact.norm is None:
            fact = replace(fact, norm=after.data, parts=(*fact.parts, after.where))
        elif after.op == "shift" and fact.norm is None and fact.bias is None:
            fact = replace(fact, bias=_spread(after.data, fact), parts=(*fact.parts, after.where))
        elif after.op == "scale" and fact.norm is None:
            scale = _spread(after.data, fact)
            fact = replace(fact, norm=Norm(after.where, "scale", scale, np.zeros_like(scale)),
                           parts=(*fact.parts, after.where))
        elif after.op != "same":
            break
        after = _only(after, takers)
    return fact


def _spread(values: Any, fact: LayerFact) -> Any:
    """One number for each channel out."""
    return np.broadcast_to(values, (fact.channels[1] or values.size,))
