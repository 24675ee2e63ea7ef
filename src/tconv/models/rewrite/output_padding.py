"""`output_padding` as a smaller crop at the end, where there is enough to crop."""

from __future__ import annotations

from collections.abc import Iterator

from .explicit import explicit
from .graph import Graph, attributes
from .layer import layers
from .site import ALWAYS, Pass, Site

__all__ = ["OUTPUT_PADDING"]


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph, "ConvTranspose"):
        more = attributes(node).get("output_padding", ())
        if any(entry and axis.hi >= 0 for entry, axis in zip(more, layer.spec.axes)):
            yield from explicit(node, layer)


OUTPUT_PADDING = Pass("output-padding", "output_padding becomes a smaller pad at the end", ALWAYS, _sites)
