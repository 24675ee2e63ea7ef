"""Checkerboards: what kernels give a flat input, phase by phase, and the smallest change that makes it even."""

from .diagnosis import Diagnosis, Peak, Period, diagnosis
from .equalise import equalised
from .gains import gains, shuffle_gains, unevenness
from .least_change import Change, least_change
from .pattern import Stage, pattern
from .smoothing import Smoothed, smoothed
from .spectrum import Spectrum, spectrum

__all__ = [
    "Change",
    "Diagnosis",
    "Peak",
    "Period",
    "Smoothed",
    "Spectrum",
    "Stage",
    "diagnosis",
    "equalised",
    "gains",
    "least_change",
    "pattern",
    "shuffle_gains",
    "smoothed",
    "spectrum",
    "unevenness",
]
