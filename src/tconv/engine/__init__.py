"""The fast path on CPUs: the three contractions in C++, for float32 and bfloat16 arrays in channels-last layout.

Sums are always made in float32. Arrays of float16, and of several dtypes, are made float32 first, and the result is
rounded once. Where NumPy has no bfloat16, its numbers may come, and then go, as their bits, in arrays of uint16.
"""

from .arrays import HALVES
from .calls import TOLD, before_finish, conv, conv_transpose, finish, kernel_gradient, pack, serves
from .choices import borrow_threads, half_isa, isa, set_split, set_threads, set_winograd, split, threads, winograd
from .compiled import available, numbers
from .memory import keep_memory
from .packed import Packed
from .plans import Plan, plan

__all__ = [
    "HALVES", "TOLD", "Packed", "Plan", "available", "before_finish", "borrow_threads", "conv", "conv_transpose",
    "finish", "half_isa", "isa", "keep_memory", "kernel_gradient", "numbers", "pack", "plan", "serves", "set_split",
    "set_threads", "set_winograd", "split", "threads", "winograd",
]
