"""Whether processes that work together are still there: each says so every few seconds, and a silence is noticed."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping

__all__ = ["BEAT", "SILENCE", "Pulse"]

BEAT, SILENCE = 5.0, 45.0
WRONG = 2  # the exit code of whatever a person has to mend


def _leave(wrong: str) -> None:
    """End this process at once: its main thread may wait for the other side for ever, and cannot be told."""
    print(f"tconv: train: {wrong}; what all had learned at the last checkpoint is whole. Start all processes again, "
          "with --resume.", file=sys.stderr, flush=True)
    os._exit(WRONG)


class Pulse:
    """Says on each line that this process is there, and listens for the other side, beside whatever is computed.

    A process that ends closes its line, which its partners learn from their next step. One that is stopped, or whose
    machine lost power or network, closes nothing: that is what this is for.

    Args:
        lines: open connections, by the rank on the other side. Rank 0 has one to each, the others have one to it.
        beat: seconds between two signs of life.
        silence: seconds without any, after which the other side is given up.
        give_up: called, in a thread, with what is wrong; all others were told before.
    """

    def __init__(self, lines: Mapping[int, socket.socket], *, beat: float = BEAT, silence: float = SILENCE,
                 give_up: Callable[[str], None] = _leave):
        self.lines, self.beat, self.silence, self.give_up = dict(lines), beat, silence, give_up
        self.ended = threading.Event()
        threading.Thread(target=self._speak, daemon=True).start()
        for rank, line in self.lines.items():
            line.settimeout(silence)
            threading.Thread(target=self._listen, args=(rank, line), daemon=True).start()

    def stop(self) -> None:
        """Take leave: from here on no silence means anything."""
        self.ended.set()
        for line in self.lines.values():
            line.close()

    def _speak(self) -> None:
        while not self.ended.wait(self.beat):
            self._tell("")

    def _tell(self, wrong: str) -> None:
        for line in self.lines.values():
            try:
                line.sendall(wrong.encode() + b"\n")
            except OSError:  # it is gone, as the next step will find
                continue

    def _listen(self, rank: int, line: socket.socket) -> None:
        try:
            for heard in line.makefile("rb"):
                if heard.strip():
                    self._wrong(heard.decode().strip())
                    return
        except TimeoutError:
            self._wrong(f"rank {rank} has been silent for {self.silence:g} s")
        except (OSError, ValueError):  # closed on this side or the other
            return

    def _wrong(self, wrong: str) -> None:
        if not self.ended.is_set():
            self._tell(wrong)
            self.give_up(wrong)
