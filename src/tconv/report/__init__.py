"""Reports: facts first, as frozen dataclasses and JSON, then one self-contained page."""

from .faces import Face, faces
from .facts import Pictures, RunFacts, run_facts
from .layers import LayerFacts, layer_facts
from .machine import Machine, machine, versions
from .page import duration, page, ready
from .pictures import png, sheet

__all__ = ["Face", "LayerFacts", "Machine", "Pictures", "RunFacts", "duration", "faces", "layer_facts", "machine",
           "page", "png", "ready", "run_facts", "sheet", "versions"]
