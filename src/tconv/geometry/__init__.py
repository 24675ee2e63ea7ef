"""Integers only: settings, sizes, which cells meet which, and what it costs."""

from .axis import Axis, Spec, per_axis, whole
from .choice import Setting, settings
from .cost import Cost, cost
from .problem import Extent, Problem, problem_from_coarse, problem_from_fine
from .reach import Layer, Sight, coverage, overlap, receptive_field, sources, targets
from .shape import Solution, coarse_sizes, fine_sizes, solve, solve_axis

__all__ = [
    "Axis",
    "Cost",
    "Extent",
    "Layer",
    "Problem",
    "Setting",
    "Sight",
    "Solution",
    "Spec",
    "coarse_sizes",
    "cost",
    "coverage",
    "fine_sizes",
    "overlap",
    "per_axis",
    "problem_from_coarse",
    "problem_from_fine",
    "receptive_field",
    "settings",
    "solve",
    "solve_axis",
    "sources",
    "targets",
    "whole",
]
