"""`auto_pad`, which runtimes have read differently over the years, as explicit pads."""

from __future__ import annotations

from collections.abc import Iterator

from .explicit import explicit
from .graph import Graph, attributes
from .layer import layers
from .site import ALWAYS, Pass, Site

__all__ = ["AUTO_PAD"]


def _sites(graph: Graph) -> Iterator[Site]:
    for node, layer in layers(graph):
        said = attributes(node)
        if said.get("auto_pad", "NOTSET") != "NOTSET" and not said.get("output_shape"):
            yield from explicit(node, layer)


AUTO_PAD = Pass("auto-pad", "auto_pad becomes explicit pads", ALWAYS, _sites)
