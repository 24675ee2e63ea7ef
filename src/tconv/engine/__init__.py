"""The fast path on CPUs: the three contractions in C++, for float32 and bfloat16 arrays in channels-last layout.

Sums are always made in float32. Arrays of float16, and of several dtypes, are made float32 first, and the result is
rounded once. Where NumPy has no bfloat16, its numbers may come, and then go, as their bits, in arrays of uint16.
"""

from .addresses import Steps, images_at, layer_at
from .arrays import HALVES
from .calls import TOLD, before_finish, conv, conv_transpose, finish, kernel_gradient, met, pack, serves
from .choices import borrow_threads, half_isa, isa, set_split, set_threads, set_winograd, split, threads, winograd
from .compiled import available, numbers
from .memory import keep_memory
from .packed import Packed
from .plans import Plan, plan
from .room import room, taken_again

__all__ = [
    "HALVES", "TOLD", "Packed", "Plan", "Steps", "available", "before_finish", "borrow_threads", "conv",
    "conv_transpose", "finish", "half_isa", "images_at", "isa", "keep_memory", "kernel_gradient", "layer_at", "met",
    "numbers", "pack", "plan", "room", "serves", "set_split", "set_threads", "set_winograd", "split", "taken_again",
    "threads", "winograd",
]
