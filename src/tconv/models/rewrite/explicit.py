"""A layer written anew with nothing but explicit pads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from onnx import NodeProto

from .layer import Layer, sayable, write
from .site import Site

__all__ = ["explicit", "layer_site"]


def explicit(node: NodeProto, layer: Layer) -> Iterator[Site]:
    """The place where a node is to say its setting in explicit pads, if it can."""
    if sayable(layer):
        yield layer_site((node,), "pads", layer)


def layer_site(nodes: tuple[NodeProto, ...], way: str, layer: Layer) -> Site:
    """The place where one layer takes the place of some nodes."""
    return Site.of(layer, nodes, {way: partial(write, layer=layer, output=layer.y)})
