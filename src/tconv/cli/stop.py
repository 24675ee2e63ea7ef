"""Ctrl-C that waits for a safe moment."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["INTERRUPTED", "WRONG", "Stop"]

INTERRUPTED, WRONG = 130, 2


class Stop:
    """A context in which Ctrl-C is remembered until `check` is called; a second one ends the process at once.

    Args:
        piece: what is being done between two checks, for the message.

    An exception out of nowhere inside a framework's compiler has crashed the process; between two steps it is harmless.
    """

    def __init__(self, piece: str = "step") -> None:
        self.asked = False
        self.piece = piece

    def __enter__(self) -> Stop:
        self.before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self.before)

    def check(self) -> None:
        """Raise what Ctrl-C raises, if it was pressed.

        Raises:
            KeyboardInterrupt: if it was.
        """
        if self.asked:
            raise KeyboardInterrupt

    def _ask(self, _: int, __: FrameType | None) -> None:
        if self.asked:
            os._exit(INTERRUPTED)
        self.asked = True
        os.write(2, f"\nStopping after this {self.piece}; press Ctrl-C again to stop at once.\n".encode())
