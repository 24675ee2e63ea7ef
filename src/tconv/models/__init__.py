"""Models that exist: read from ONNX, Keras and PyTorch into facts about their convolutions and upsampling layers."""

from .facts import KINDS, WAYS, LayerFact, ModelFacts, Norm, Resize
from .reading import READERS, read

__all__ = ["KINDS", "READERS", "WAYS", "LayerFact", "ModelFacts", "Norm", "Resize", "read"]
