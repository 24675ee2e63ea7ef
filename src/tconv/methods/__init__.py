"""The ways to see a transposed convolution, in NumPy, all with one signature and one result."""

from collections.abc import Callable

from ..geometry import Problem
from .activations import ACTIVATIONS, activate
from .channels import Array
from .columns import columns
from .gather import gather
from .gradient import conv, kernel_gradient
from .matrix import convolution_matrix, dense, sparse
from .phases import phases
from .scatter import scatter

__all__ = ["ACTIVATIONS", "METHODS", "Method", "activate", "columns", "conv", "convolution_matrix", "dense", "gather",
           "kernel_gradient", "phases", "scatter", "sparse"]

Method = Callable[[Array, Array, Problem], Array]

METHODS: dict[str, Method] = {
    "scatter": scatter,
    "gather": gather,
    "matrix": dense,
    "sparse": sparse,
    "phases": phases,
    "columns": columns,
}
