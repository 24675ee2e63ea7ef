"""How a training is shown: a moving line on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..recipes.checkpoint import Epoch
from ..recipes.training import Step
from ..report import duration

__all__ = ["Display", "counting"]


class Display:
    """Watches a training; used as a context and called with each step and epoch.

    Args:
        console: where to draw.
        epochs: how many there are in all.
        done: how many were done before.
        count: training examples in an epoch.
    """

    def __init__(self, console: Console, *, epochs: int, done: int, count: int):
        self.console, self.epochs, self.done, self.count = console, epochs, done, count
        self.epoch_seconds: float | None = None
        self.bar = Progress(TextColumn("epoch {task.fields[epoch]:>3}/" + str(epochs)), BarColumn(None),
                            TextColumn("{task.fields[said]}"), console=console, transient=True)
        self.task = self.bar.add_task("", total=epochs, completed=done, epoch=min(done + 1, epochs), said="compiling")

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, event: Step | Epoch) -> None:
        if isinstance(event, Epoch):
            self._epoch(event)
        elif self.console.is_terminal:
            self._step(event)

    def _step(self, step: Step) -> None:
        share = step.step / step.steps
        an_epoch = self.epoch_seconds or step.seconds / share
        said = (f"{_said(step.metrics)}  {step.seen / step.seconds:,.0f} examples/s  "
                f"{duration(an_epoch * (self.epochs - step.epoch + 1 - share))} left")
        self.bar.update(self.task, completed=step.epoch - 1 + share, epoch=step.epoch, said=said)

    def _epoch(self, epoch: Epoch) -> None:
        # The first epoch of a process compiles; the later ones tell how long the rest will take.
        self.epoch_seconds = epoch.seconds
        left = epoch.seconds * (self.epochs - epoch.epoch)
        self.console.print(f"epoch {epoch.epoch:>3}/{self.epochs}  {_said(epoch.metrics)}  "
                           f"{duration(epoch.seconds):>9}  {self.count / epoch.seconds:>7,.0f} examples/s"
                           + (f"  {duration(left)} left" if left else ""), soft_wrap=True)


def _said(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in metrics.items())


@contextmanager
def counting(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal that moves one on with each call, and says how long the rest will take."""
    bar = Progress(MofNCompleteColumn(), BarColumn(None), TimeRemainingColumn(), console=console, transient=True)
    task = bar.add_task("", total=total)
    if console.is_terminal and total > 1:
        bar.start()
    try:
        yield lambda: bar.advance(task)
    finally:
        bar.stop()
