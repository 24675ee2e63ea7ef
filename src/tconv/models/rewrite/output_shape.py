"""`output_shape`, which overrides pads and ties a layer to one size, as explicit pads."""

from __future__ import annotations

from collections.abc import Iterator

from .explicit import explicit
from .graph import Graph, attributes
from .layer import layers
from .site import ALWAYS, Pass, Site

__all__ = ["OUTPUT_SHAPE"]


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "ConvTranspose"):
        if attributes(node).get("output_shape"):
            yield from explicit(node, layer)


OUTPUT_SHAPE = Pass("output-shape", "output_shape becomes explicit pads, where the input's size is fixed", ALWAYS,
                    _sites)
