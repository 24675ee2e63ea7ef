"""ONNX models rewritten to equal and faster ones: small passes, each separate, each verified by running it."""

from .apart import optimize_apart
from .compare import Difference
from .load import load
from .optimize import Settings, chosen, optimize
from .outcome import Outcome, Step
from .table import PASSES

__all__ = [
    "PASSES", "Difference", "Outcome", "Settings", "Step", "chosen", "load", "optimize", "optimize_apart",
]
