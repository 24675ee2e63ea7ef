"""A training as TensorBoard reads it: an event file with what each epoch gave, and the picture that was kept of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import DataError, MissingExtra
from ..recipes import film
from ..recipes.checkpoint import Epoch
from ..recipes.pictures import picture

__all__ = ["FOLDER", "Events"]

FOLDER = "tensorboard"


class Events:
    """Watches a training, and appends each epoch to one event file in the run's folder.

    A file of an earlier process may end in the middle of an epoch that is learned again, or before one that was kept.
    So each process writes all epochs that the checkpoint has into a file of its own, and takes the others away.

    Args:
        folder: of the run.
        history: the epochs that are done.

    Raises:
        MissingExtra: without tensorboardX.
        DataError: if nothing can be written there.
    """

    def __init__(self, folder: Path, history: Sequence[Epoch]):
        self.ready()
        from tensorboardX.event_file_writer import EventsWriter

        self.folder, self.place = folder, folder / FOLDER
        with self._written():
            self.place.mkdir(parents=True, exist_ok=True)
            before = list(self.place.glob("*.tfevents.*"))
            # Unlike SummaryWriter this one has no thread: what is flushed is in the file.
            self.file = EventsWriter(str(self.place / "events"), f".{time.time_ns()}")
            self._forget()
            for epoch in history:
                self._add(epoch)
            for path in before:
                path.unlink()

    @staticmethod
    def ready() -> None:
        """Say early what is missing.

        Raises:
            MissingExtra: without tensorboardX.
        """
        if find_spec("tensorboardX") is None:
            raise MissingExtra("train --tensorboard", "tensorboardX", "tensorboard")

    def __call__(self, event: object) -> None:
        """Append an epoch; a step is passed over."""
        if isinstance(event, Epoch):
            with self._written():
                self._add(event)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.place}: cannot be written ({error.strerror or error}); make room, or leave "
                            "--tensorboard out.") from None

    def _forget(self) -> None:
        """Tell a TensorBoard that is looking on to drop what it read of this run before."""
        from tensorboardX.proto.event_pb2 import SessionLog

        self._write(0, session_log=SessionLog(status=SessionLog.START))

    def _add(self, epoch: Epoch) -> None:
        from tensorboardX import summary

        for name, value in epoch.metrics.items():
            part = "validation" if name.startswith("val_") else "training"
            self._write(epoch.epoch, summary=summary.scalar(f"{name.removeprefix('val_')}/{part}", value))
        self._write(epoch.epoch, summary=summary.scalar("seconds", epoch.seconds))
        kept = self.folder / film.FRAMES / f"{epoch.epoch:04}.png"
        if kept.exists():
            self._write(epoch.epoch, summary=summary.image("samples", picture(kept), dataformats="HWC"))
        self.file.flush()

    def _write(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self.file.write_event(Event(wall_time=time.time(), step=step, **content))
