"""This machine, ours, the peers, and the physical limit: single layers and whole training steps."""

from .cases import LAYERS, PASSES, Layer, chosen, layers
from .facts import Limits, Results, Row, Skip, Timing, read, write
from .page import fill, pictures, section
from .peers import PEERS, Peer
from .picture import layers_picture, step_picture
from .run import Event, Plan, bench, fresh
from .steppers import STEPPERS
from .steps import NETWORKS, Network
from .summary import Summary, summaries

__all__ = [
    "LAYERS",
    "NETWORKS",
    "PASSES",
    "PEERS",
    "STEPPERS",
    "Event",
    "Layer",
    "Limits",
    "Network",
    "Peer",
    "Plan",
    "Results",
    "Row",
    "Skip",
    "Summary",
    "Timing",
    "bench",
    "chosen",
    "fill",
    "fresh",
    "layers",
    "layers_picture",
    "pictures",
    "read",
    "section",
    "step_picture",
    "summaries",
    "write",
]
