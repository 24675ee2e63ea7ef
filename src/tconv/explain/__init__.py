"""A layer at work, told: facts as frozen dataclasses, and renderers of them."""

from .cells import Cell, Term
from .collect import Collect, Window
from .distribute import Distribute, Piece, Stamp
from .facts import Explanation, explain
from .gradient import KernelGradient, Meeting, Tap
from .matrix import Matrix
from .numbers import numbered
from .overlap import Overlap, Stack, stack
from .phases import Part, Phases
from .render import RENDERERS, render
from .stories import VIEWS
from .summary import Summary, summarize
from .work import Work

__all__ = [
    "RENDERERS",
    "VIEWS",
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
    "Summary",
    "Tap",
    "Term",
    "Window",
    "Work",
    "explain",
    "numbered",
    "render",
    "stack",
    "summarize",
]
