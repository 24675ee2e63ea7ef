"""`tconv train`: a recipe on real data, with progress, checkpoints and a report."""

from __future__ import annotations

import datetime
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import engine, report
from ..errors import SettingError
from ..files import write_whole
from ..recipes import BACKENDS, use_backend
from ..recipes.autoencoder import Settings
from ..recipes.autoencoder import resume as resumed
from ..recipes.autoencoder import start as started
from ..recipes.checkpoint import Epoch, read, save_model
from ..recipes.training import Step
from .progress import Display
from .stop import INTERRUPTED, Stop
from .words import err, numbers, out

__all__ = ["app"]

app = typer.Typer(help="Train a network on real data; it ends with a report.", no_args_is_help=True,
                  add_completion=False)


@app.callback()
def recipes() -> None:
    """Train a network on real data; it ends with a report."""


EXAMPLES = """Examples:\n
  tconv train autoencoder\n
  tconv train autoencoder --limit 2000 --epochs 3 --batch-size 100     a quick try\n
  tconv train autoencoder --data my-digits/ --filters 16,8\n
  tconv train autoencoder --resume runs/autoencoder-20260101-120000
"""


@app.command("autoencoder", epilog=EXAMPLES)
def autoencoder(
    data: Annotated[str | None, typer.Option(
        metavar="PATH", help="idx files, mnist.npz, or a folder of images; else MNIST as it is installed.")] = None,
    epochs: Annotated[int | None, typer.Option(
        help="Passes over the data.", show_default="25")] = None,
    batch_size: Annotated[int | None, typer.Option(
        help="Images a step.", show_default="1000")] = None,
    filters: Annotated[str | None, typer.Option(
        help="Channels after each convolution; the way back mirrors them.", show_default="32,16,8")] = None,
    seed: Annotated[int | None, typer.Option(
        help="Of the weights and of the order of the images.", show_default="0")] = None,
    learning_rate: Annotated[float | None, typer.Option(
        help="Of Adam.", show_default="0.002")] = None,
    backend: Annotated[str | None, typer.Option(
        help=f"Framework under Keras: {', '.join(BACKENDS)}.", show_default="KERAS_BACKEND, or else jax")] = None,
    out_folder: Annotated[Path | None, typer.Option(
        "--out", metavar="DIR", help="Where the run goes.", show_default="runs/autoencoder-TIME")] = None,
    resume: Annotated[Path | None, typer.Option(
        metavar="RUN", help="Go on with an interrupted run; --epochs may prolong it.")] = None,
    limit: Annotated[int | None, typer.Option(
        metavar="N", help="Train on the first N images only, for a quick try.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Learn to reconstruct handwritten digits with three convolutions and three transposed ones.

    Stop it at any time with Ctrl-C, or kill it: --resume ends with the same numbers as an undisturbed run.
    """
    given = {"data": data and str(Path(data).resolve()), "epochs": epochs, "batch_size": batch_size,
             "filters": numbers("filters", filters), "seed": seed, "learning_rate": learning_rate,
             "backend": backend, "limit": limit}
    if resume is not None and out_folder is not None:
        raise SettingError(f"train: --out is {out_folder}, but --resume goes on in {resume}; leave --out out.")
    run = resume or out_folder or Path("runs") / f"autoencoder-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    try:
        with Stop() as stop:
            _train(run, given, resume is not None, as_json, stop)
    except KeyboardInterrupt:
        _interrupted(run)
        # A framework's threads may crash while the interpreter is taken down around them, and all is on the disk.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)


def _train(run: Path, given: dict[str, Any], goes_on: bool, as_json: bool, stop: Stop) -> None:
    console = err()
    engine.keep_memory()
    report.ready()
    outcome = resumed(run, **given) if goes_on else started(_settings(given), run)
    console.print(outcome.summary, markup=False)
    settings, done, images = outcome.settings, len(outcome.saved.history), len(outcome.digits.train)
    console.print(f"{outcome.digits.source}; Keras on {settings.backend}; run in {run}", markup=False)

    def watch(event: Step | Epoch) -> None:
        display(event)
        stop.check()

    stop.check()
    with Display(console, epochs=settings.epochs, done=done, images=images - images // 5) as display:
        outcome = outcome.train(watch)
    stop.check()
    console.print("Writing the report.")
    facts, pictures = report.run_facts(outcome)
    write_whole(run / "facts.json", facts.json())
    write_whole(run / "report.html", report.page(facts, pictures))
    save_model(run / "model.keras", outcome.model)
    if as_json:
        print(facts.json(), end="")
        return
    out().print(f"test loss {facts.test_loss:.4f}, {len(facts.history)} epochs in {report.duration(facts.seconds)}, "
                f"{facts.parameters:,} parameters\nreport    {run / 'report.html'}\nmodel     "
                f"{run / 'model.keras'}", markup=False)


def _settings(given: dict[str, Any]) -> Settings:
    """Settings are checked before anything heavy is imported, the backend last."""
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    return replace(settings, backend=use_backend(given["backend"]))


def _interrupted(run: Path) -> None:
    try:
        saved = read(run)
    except ValueError:
        err().print("Stopped before anything was saved.")
        return
    err().print(f"Stopped after epoch {len(saved.history)} of {saved.settings['epochs']}; go on with: tconv train "
                "autoencoder "
                f"--resume {run}", markup=False, soft_wrap=True)
