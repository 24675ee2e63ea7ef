"""The other end of a worker: asks, waits, and says what became of one that does not answer."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from tempfile import TemporaryFile
from typing import Any

from .peers import Peer

__all__ = ["Failed", "Lost", "Process"]

# Each has its own limit on threads, keeps to the CPU, and keeps memory that it freed: pages are taken once, not a call.
ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "2147483647", "MALLOC_ARENA_MAX": "1",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TCONV_NUM_THREADS")
PATIENCE = 300.0  # seconds; the slowest training step that was seen takes 11, and is compiled and done three times
LAST_WORDS = 4000  # bytes


class Failed(Exception):
    """A worker's answer that it cannot."""


class Lost(Exception):
    """A worker that has ended or hangs."""


class Process:
    """A peer at work.

    Args:
        peer: whose.
        threads: how many it may have.
    """

    def __init__(self, peer: Peer, threads: int):
        self.peer, self.threads = peer, threads
        self.said = TemporaryFile()  # noqa: SIM115 - as long as the process
        env = os.environ | ENVIRONMENT | dict.fromkeys(THREADS, str(threads)) | dict(peer.environment)
        # In a session of its own, Ctrl-C reaches only who started it.
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", peer.module, str(threads)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.said, text=True, env=env, start_new_session=True)
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def send(self, **order: Any) -> None:
        """Give an order, and do not wait.

        Raises:
            Lost: if the process has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise Lost(self._end()) from None

    def answer(self, patience: float = PATIENCE) -> dict[str, Any]:
        """What it says next.

        Raises:
            Failed: if it says that it cannot.
            Lost: if it ended, or says nothing for so many seconds.
        """
        try:
            line = self.lines.get(timeout=patience)
        except queue.Empty:
            self.close()
            raise Lost(f"took longer than {patience:.0f} seconds") from None
        if line is None:
            raise Lost(self._end())
        said: dict[str, Any] = json.loads(line)
        if "failed" in said:
            raise Failed(said["failed"])
        return said

    def ask(self, patience: float = PATIENCE, **order: Any) -> dict[str, Any]:
        """Order and answer."""
        self.send(**order)
        return self.answer(patience)

    def close(self) -> None:
        """End it; it holds nothing that is not elsewhere."""
        self.process.kill()
        self.process.wait()

    def _end(self) -> str:
        code = self.process.wait()
        self.said.seek(0, os.SEEK_END)
        self.said.seek(max(0, self.said.tell() - LAST_WORDS))
        lines = self.said.read().decode(errors="replace").splitlines()
        errors = [line.strip() for line in lines if "Error" in line.split(":")[0]]
        how = f"ended with signal {-code}" if code < 0 else f"ended with {code}"
        return f"its process {how}" + (f": {errors[-1][:200]}" if errors else "")
