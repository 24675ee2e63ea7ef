"""What the C library does with memory that was freed."""

from __future__ import annotations

import ctypes
import sys

from ..geometry.problem import MEMORY

__all__ = ["keep_memory"]

ROOMY = 12 * 2**30  # bytes

# glibc's malloc.h: options of mallopt.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8


def keep_memory() -> bool:
    """Keep freed memory in this process for its next arrays, instead of giving it back to the system.

    A training step takes and frees hundreds of megabytes. Given back, each step pays for fresh pages: on a 2-core
    machine 176,000 page faults, half as long as the computation itself. Kept, it pays once. Call it before the
    frameworks start their threads; the process then stays about as large as it has ever been, and what lies between the
    arrays makes it larger: up to 7.5 GB for the autoencoder. A machine with less than 12 GB is left as it is.

    Returns:
        Whether it is so now: not on a small machine, nor without glibc.
    """
    if not sys.platform.startswith("linux") or MEMORY < ROOMY:
        return False
    try:
        option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    settings = ((ARENA_MAX, 1), (MMAP_MAX, 0), (TRIM_THRESHOLD, 2**31 - 1))
    understood = [option(name, value) == 1 for name, value in settings]
    return all(understood)
