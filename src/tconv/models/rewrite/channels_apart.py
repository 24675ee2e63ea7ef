"""A kernel that is zero between blocks of channels as a kernel of groups: an interpolation for each class, often."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .explicit import layer_site
from .graph import Graph
from .layer import Layer, layers, sayable
from .site import FASTER, Pass, Site

__all__ = ["CHANNELS_APART"]


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph):
        count = _count(layer)
        if count > 1 and sayable(layer):
            yield layer_site((node,), f"{count * layer.spec.groups} groups", _split(layer, count))


def _count(layer: Layer) -> int:
    """The most equal blocks on the diagonal of each group that hold all that is not zero."""
    used = layer.blocks().reshape(*layer.blocks().shape[:3], -1).any((0, -1))
    ins, outs = used.shape
    common = math.gcd(ins, outs)
    for count in range(common, 1, -1):
        if common % count == 0 and not (used & ~_diagonal(count, ins, outs)).any():
            return count
    return 1


def _diagonal(count: int, ins: int, outs: int) -> np.ndarray:
    return np.kron(np.eye(count, dtype=bool), np.ones((ins // count, outs // count), bool))


def _split(layer: Layer, count: int) -> Layer:
    groups, ins, outs, *taps = layer.blocks().shape
    tiles = layer.blocks().reshape(groups, count, ins // count, count, outs // count, *taps)
    kept = np.stack([tiles[:, block, :, block] for block in range(count)], axis=1)
    spec = replace(layer.spec, groups=groups * count)
    return layer.with_blocks(kept.reshape(-1, ins // count, outs // count, *taps), spec=spec)


CHANNELS_APART = Pass("channels-apart", "a kernel that is zero between blocks of channels becomes groups", FASTER,
                      _sites)
