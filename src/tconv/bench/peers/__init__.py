"""Who is measured: one row and one small file each.

A peer's file has `start(threads)`, called once in a process of its own, and `programs(task, arrays)`: the peer's ways
to do a task, by name, of which the fastest counts. Only what computes the result is timed: arrays are brought into the
layout that the peer likes, and padded where it cannot say a crop, before the clock runs.
"""

from __future__ import annotations

from .peer import Peer, Program, chosen
from .table import PEERS

__all__ = ["PEERS", "Peer", "Program", "chosen"]
