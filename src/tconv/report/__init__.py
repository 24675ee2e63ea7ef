"""Reports: facts first, as frozen dataclasses and JSON, then one self-contained page."""

from .faces import Face, faces
from .facts import RunFacts, command, run_facts
from .layers import LayerFacts, layer_facts
from .machine import Machine, machine, versions
from .page import duration, figure, page, ready
from .pictures import png, sheet
from .tensorboard import Events

__all__ = ["Events", "Face", "LayerFacts", "Machine", "RunFacts", "command", "duration", "faces", "figure",
           "layer_facts", "machine", "page", "png", "ready", "run_facts", "sheet", "versions"]
