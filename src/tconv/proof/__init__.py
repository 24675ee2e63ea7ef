"""A conversion shown by numbers: the layer that was read, the one that was written, and our own, on the same arrays."""

from .comparison import Proof, Side, prove
from .side import SIDES

__all__ = ["SIDES", "Proof", "Side", "prove"]
