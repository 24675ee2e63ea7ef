"""A layer at work, told: facts as frozen dataclasses, and renderers of them."""

from .cells import Cell, Term
from .collect import Collect, Window
from .distribute import Distribute, Piece, Stamp
from .facts import Explanation, explain
from .gradient import KernelGradient, Meeting, Tap
from .matrix import Matrix
from .overlap import Overlap, Stack, stack
from .phases import Part, Phases
from .work import Work

__all__ = [
    "Cell",
    "Collect",
    "Distribute",
    "Explanation",
    "KernelGradient",
    "Matrix",
    "Meeting",
    "Overlap",
    "Part",
    "Phases",
    "Piece",
    "Stack",
    "Stamp",
    "Tap",
    "Term",
    "Window",
    "Work",
    "explain",
    "stack",
]
