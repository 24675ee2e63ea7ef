"""Who trains: one row each, and a file for Keras and one for PyTorch."""

from .table import STEPPERS

__all__ = ["STEPPERS"]
