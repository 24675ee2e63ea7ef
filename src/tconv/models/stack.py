"""A pattern on its way through a model: what random flat inputs of the first layer that prints one come out as."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..diagnose import Stage, pattern, unevenness
from ..geometry import Spec
from .facts import LayerFact, ModelFacts
from .graph import Array

__all__ = ["Printed", "printed"]

DRAWS = 16
LARGEST = 2**22  # numbers in one period


@dataclass(frozen=True, slots=True)
class Printed:
    """The pattern that a stack prints.

    Args:
        first: the layer whose input was flat.
        last: the layer whose result was looked at.
        ripple: the pattern's strength there, relative to the mean of each channel.
        period: cells along each axis after which it repeats.
    """

    first: str
    last: str
    ripple: float
    period: tuple[int, ...]


def printed(facts: ModelFacts) -> Printed | None:
    """What flat inputs become from the first layer that enlarges, to the end of the chain that it begins.

    The inputs are random, one number a channel, and not negative where an activation before them makes them so: an
    estimate of what real activations do. None where the chain has one layer only, or a layer on the way has no known
    kernel, or an activation that is not followed.
    """
    chain = _chain(facts)
    rows = [_stages(fact) for fact in chain]
    stages = [stage for row in rows for stage in row]
    if len(chain) < 2 or not all(rows) or _period(stages) > LARGEST:
        return None
    ins = chain[0].channels[0] or 0
    drawn = np.random.default_rng(0).standard_normal((DRAWS, ins))
    found = [pattern(np.abs(flat) if _behind_activation(facts, chain[0]) else flat, stages) for flat in drawn]
    rank = found[0].ndim - 1
    strengths = [unevenness(one, rank) for one in found]
    if not np.isfinite(strengths).all():
        return None
    return Printed(chain[0].where, chain[-1].where, math.sqrt(float(np.mean(strengths))), found[0].shape[:-1])


def _chain(facts: ModelFacts) -> list[LayerFact]:
    """The layers from the first that enlarges, as long as each takes what the one before it gives."""
    taken, given = _ends(facts)
    first = next((fact for fact in facts.layers if fact.upsamples and max(fact.scale, default=1) > 1), None)
    chain = [] if first is None else [first]
    while chain:
        after = [fact for fact in facts.layers if taken.get(fact.where) == given.get(chain[-1].where, "nothing")]
        if len(after) != 1:
            return chain
        chain.append(after[0])
    return chain


def _ends(facts: ModelFacts) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """By layer: the value that it takes, and the one that it gives."""
    nodes = {node.where: node for node in facts.graph.nodes}
    taken = {fact.where: nodes[fact.parts[0]].inputs[0] for fact in facts.layers if nodes[fact.parts[0]].inputs}
    return taken, {fact.where: nodes[fact.parts[-1]].output for fact in facts.layers}


def _behind_activation(facts: ModelFacts, fact: LayerFact) -> bool:
    taken, _ = _ends(facts)
    return any(node.op == "activation" and taken.get(fact.where) in node.outputs for node in facts.graph.nodes)


def _period(stages: Sequence[Stage]) -> int:
    """At most how many numbers one period has."""
    size = 1
    for stage in stages:
        size *= math.prod(axis.stride for axis in stage.spec.axes) if stage.transposed else 1
    return size * max(stage.kernel.shape[-1] + stage.kernel.shape[-2] * stage.spec.groups for stage in stages)


def _stages(fact: LayerFact) -> list[Stage]:
    """A layer as one stage, or as a resize and one; none where that is not known."""
    active = FOLLOWED.get(fact.activation)
    if fact.kernel is None or fact.spec is None or active is None or fact.kind not in ("conv", "conv_transpose",
                                                                                      "resize_conv"):
        return []
    if fact.norm is not None and not fact.norm.folds:
        return []
    kernel, bias = _folded(fact)
    stage = Stage(kernel, fact.spec, fact.transposed, bias, active)
    if fact.kind != "resize_conv":
        return [stage]
    factor = () if fact.resize is None else fact.resize.factor or ()
    if fact.resize is None or fact.resize.interpolation != "nearest" or not all(isinstance(f, int) for f in factor):
        return []
    ins, sizes = kernel.shape[-2] * fact.groups, tuple(map(int, factor))
    return [Stage(np.ones((*sizes, 1, ins)), Spec.of(sizes, stride=sizes, groups=ins)), stage]


def _folded(fact: LayerFact) -> tuple[Array, Array | None]:
    """Kernel and bias with the norm behind them in them."""
    assert fact.kernel is not None
    kernel, bias, norm = fact.kernel.astype(np.float64), fact.bias, fact.norm
    if norm is None or norm.scale is None:
        return kernel, bias
    if fact.transposed:
        *taps, rows, ins = kernel.shape
        scale = norm.scale.reshape(fact.groups, rows).T[:, :, None]
        kernel = (kernel.reshape(*taps, rows, fact.groups, ins // fact.groups) * scale).reshape(kernel.shape)
    else:
        kernel = kernel * norm.scale
    return kernel, (0 if bias is None else bias) * norm.scale + norm.shift


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


FOLLOWED: dict[str, Callable[[Array], Array]] = {
    "": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x), "softplus": lambda x: np.logaddexp(0, x),
}
"""Activations without settings of their own."""
