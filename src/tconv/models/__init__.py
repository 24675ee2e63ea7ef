"""Models that exist: read from ONNX, Keras and PyTorch into facts about their convolutions and upsampling layers."""

from .facts import KINDS, WAYS, LayerFact, ModelFacts, Norm, Resize
from .findings import Cure, Finding
from .inspection import Inspected, Inspection, inspect
from .portability import Port
from .reading import READERS, read

__all__ = [
    "KINDS", "READERS", "WAYS", "Cure", "Finding", "Inspected", "Inspection", "LayerFact", "ModelFacts", "Norm", "Port",
    "Resize", "inspect", "read",
]
