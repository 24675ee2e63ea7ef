"""`tconv train`: a recipe on real data, with progress, checkpoints and a report; its options are its settings."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .. import engine, report
from ..errors import SettingError, TconvError
from ..files import write_whole
from ..recipes import RECIPES, Ranks, Recipe, Run, resume, start, use_backend
from ..recipes.checkpoint import Epoch, read, save_model
from ..recipes.settings import SWITCH, WHOLE, WHOLES, Common, Kind, kinds
from ..recipes.training import Step
from .progress import Display
from .stop import INTERRUPTED, WRONG, Stop
from .words import err, numbers, out

__all__ = ["app"]

app = typer.Typer(help="Train a network on real data; it ends with a report.", no_args_is_help=True,
                  add_completion=False)
PARAMETERS = {SWITCH: bool, WHOLE: int, WHOLES: str, "a number": float, "a word": str}
OUT = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the run goes.",
                                          show_default="runs/NAME-TIME")]
RESUME = Annotated[Path | None, typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run; --epochs "
                                                                            "may prolong it.")]
DISTRIBUTED = Annotated[bool, typer.Option("--distributed", help="Train in many processes, on one machine or many: a "
                                           "launcher starts this command in each, with its KERAS_DISTRIBUTION_* set.")]
WAIT = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long the processes of "
                                     "--distributed wait for one another.")]
TENSORBOARD = Annotated[bool, typer.Option("--tensorboard", help="Write what TensorBoard shows, too: RUN/tensorboard.")]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.callback()
def recipes() -> None:
    """Train a network on real data; it ends with a report."""


@dataclass(frozen=True, slots=True)
class How:
    """What a command line says besides the recipe's settings."""

    given: dict[str, Any]
    folder: Path
    goes_on: bool
    ranks: Ranks | None
    tensorboard: bool
    as_json: bool

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks: the only one, or rank 0."""
        return self.ranks is None or self.ranks.leads


def _command(recipe: Recipe) -> Callable[..., None]:
    """The function whose signature Typer reads: the recipe's own settings, then those that all share."""
    shared = {kind.name for kind in kinds(Common)}
    told = sorted(kinds(recipe.settings), key=lambda kind: kind.name in shared)

    def command(out_folder: Path | None, goes_on: Path | None, distributed: bool, wait: float, tensorboard: bool,
                as_json: bool, **said: Any) -> None:
        given = {kind.name: _given(kind, said[kind.name]) for kind in told}
        ranks = Ranks.from_environment(wait) if distributed else None
        folder = _folder(recipe, out_folder, goes_on, ranks)
        _run(recipe, How(given, folder, goes_on is not None, ranks, tensorboard, as_json))

    own = {"out_folder": (OUT, None), "goes_on": (RESUME, None), "distributed": (DISTRIBUTED, False),
           "wait": (WAIT, 300.0), "tensorboard": (TENSORBOARD, False), "as_json": (JSON, False)}
    options = {kind.name: (_option(kind), None) for kind in told} | own
    signature = [Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)
                 for name, (hint, default) in options.items()]
    command.__signature__ = Signature(signature)  # type: ignore[attr-defined]
    command.__annotations__ = {name: hint for name, (hint, _) in options.items()}
    command.__doc__ = (f"{recipe.says}\n\nStop it at any time with Ctrl-C, or kill it: --resume ends with the same "
                       "numbers as an undisturbed run.")
    return command


def _option(kind: Kind) -> Any:
    flag = "--" + kind.name.replace("_", "-")
    default = kind.about["shown"] or (_words(kind.default) if kind.default is not None else None)
    flags = f"{flag}/--no-{flag[2:]}" if kind.kind == SWITCH else flag
    metavar = "PATH" if kind.about["path"] else "|".join(map(str, kind.about["choices"])) or None
    return Annotated[PARAMETERS[kind.kind] | None, typer.Option(
        flags, help=kind.about["says"], show_default=default or False, metavar=metavar)]


def _words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _given(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind.about["path"]:
        return str(Path(value).resolve())
    return numbers(kind.name, value) if kind.kind == WHOLES else value


def _examples(recipe: Recipe) -> str:
    lines = [f"  tconv train {recipe.name} {words}{'     ' + remark if remark else ''}".rstrip()
             for words, remark in recipe.examples.items()]
    return "Examples:\n\n" + "\n\n".join(lines)


for one in RECIPES.values():
    app.command(one.name, epilog=_examples(one))(_command(one))


def _folder(recipe: Recipe, out_folder: Path | None, goes_on: Path | None, ranks: Ranks | None) -> Path:
    if ranks is not None and goes_on is None and out_folder is None:
        raise SettingError("train: --distributed needs --out, one folder that all processes name alike.")
    if goes_on is not None and out_folder is not None:
        raise SettingError(f"train: --out is {out_folder}, but --resume goes on in {goes_on}; leave --out out.")
    return goes_on or out_folder or Path("runs") / f"{recipe.name}-{datetime.datetime.now():%Y%m%d-%H%M%S}"


def _run(recipe: Recipe, how: How) -> None:
    try:
        with Stop() as stop:
            _train(recipe, how, stop)
    except KeyboardInterrupt:
        _interrupted(recipe, how.folder)
        # A framework's threads may crash while the interpreter is taken down around them, and all is on the disk.
        _leave(INTERRUPTED)
    except TconvError as error:
        if how.ranks is None:
            raise
        print(f"tconv: {error}", file=sys.stderr)
        _leave(WRONG)  # at once: taken down in order, it would wait for the others, and they for it


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _train(recipe: Recipe, how: How, stop: Stop) -> None:
    console = err() if how.leads else Console(quiet=True)
    engine.keep_memory()
    report.ready()
    if how.tensorboard:
        report.Events.ready()
    folder = how.folder
    run = (resume(folder, recipe=recipe.name, ranks=how.ranks, **how.given) if how.goes_on
           else start(_settings(recipe, how.given), folder, ranks=how.ranks))
    console.print(run.summary, markup=False)
    console.print(f"{run.data.source}; Keras on {run.settings.backend}; run in {folder}", markup=False)

    events = report.Events(folder, run.saved.history) if how.tensorboard and run.leads else None

    def watch(event: Step | Epoch) -> None:
        display(event)
        if events is not None:
            events(event)
        stop.check()

    stop.check()
    with Display(console, epochs=run.settings.epochs, done=len(run.saved.history),
                 count=len(run.data.train)) as display:
        run = run.train(watch)
    stop.check()
    if run.leads:
        _finish(run, console, how.as_json)


def _finish(run: Run, console: Console, as_json: bool) -> None:
    folder = run.folder
    console.print("Writing the report.")
    facts, judged = report.run_facts(run)
    write_whole(folder / "facts.json", facts.json())
    write_whole(folder / "report.html", report.page(facts, judged.sections))
    save_model(folder / "model.keras", run.learner.model)
    if as_json:
        print(facts.json(), end="")
        return
    lead = facts.figures[0]
    out().print(f"{lead.name} {report.figure(lead.value, lead)}, {len(facts.history)} epochs in "
                f"{report.duration(facts.seconds)}, {facts.parameters:,} parameters\n"
                f"report    {folder / 'report.html'}\nmodel     {folder / 'model.keras'}", markup=False)


def _settings(recipe: Recipe, given: dict[str, Any]) -> Any:
    """Settings are checked before anything heavy is imported, the backend last."""
    settings = recipe.settings(**{name: value for name, value in given.items() if value is not None})
    return replace(settings, backend=use_backend(given["backend"]))


def _interrupted(recipe: Recipe, folder: Path) -> None:
    try:
        saved = read(folder)
    except ValueError:
        err().print("Stopped before anything was saved.")
        return
    err().print(f"Stopped after epoch {len(saved.history)} of {saved.settings['epochs']}; go on with: tconv train "
                f"{recipe.name} --resume {folder}", markup=False, soft_wrap=True)
