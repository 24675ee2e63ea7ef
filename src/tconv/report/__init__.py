"""Reports: facts first, as frozen dataclasses and JSON, then one self-contained page."""

from .facts import Pictures, RunFacts, run_facts
from .layers import LayerFacts, layer_facts
from .machine import Machine, machine, versions
from .page import duration, page
from .pictures import png, sheet

__all__ = ["LayerFacts", "Machine", "Pictures", "RunFacts", "duration", "layer_facts", "machine", "page", "png", "run_facts",
           "sheet", "versions"]
