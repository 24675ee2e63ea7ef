"""Checkerboards: what kernels give a flat input, phase by phase, and the smallest change that makes it even."""

from .equalise import equalised
from .gains import gains, shuffle_gains, unevenness
from .pattern import Stage, pattern

__all__ = ["Stage", "equalised", "gains", "pattern", "shuffle_gains", "unevenness"]
