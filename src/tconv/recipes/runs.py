"""A training in a folder: started, gone on with, or opened to be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files import check_place
from . import checkpoint, film
from .backend import use_backend
from .checkpoint import Checkpoint
from .ranks import Ranks
from .recipe import Data, Learner, Recipe, Trained
from .settings import kinds
from .table import RECIPES
from .together import Together
from .training import Watch, train

__all__ = ["FACTS", "Run", "recipe_of", "restore", "resume", "start"]

FACTS = "facts.json"


@dataclass(frozen=True, slots=True)
class Run:
    """A training, prepared or done.

    Args:
        recipe: what is trained.
        settings: as they are in force.
        folder: where it lives.
        data: what it learns from.
        learner: what learns.
        saved: the last checkpoint.
        summary: the layers and their parameters, as Keras prints them.
        own: what judges and draws: the learner, or, where many processes train, rank 0's copy of it.
        ranks: the processes that train together; None for one alone.
    """

    recipe: Recipe
    settings: Any
    folder: Path
    data: Data
    learner: Learner
    saved: Checkpoint
    summary: str
    own: Learner
    ranks: Ranks | None = None

    @property
    def leads(self) -> bool:
        """Whether this process writes the run: the only one, or rank 0."""
        return self.ranks is None or self.ranks.leads

    @property
    def trained(self) -> Trained:
        """The network as it is now."""
        return Trained(self.settings, self.own, self.saved.about, {}, self.folder)

    def train(self, watch: Watch = lambda _: None) -> Run:
        """Train to the last epoch; whatever was done before is kept.

        Returns:
            The run as it is then, in this process alone.

        Raises:
            RankError: if another process that trains with this one is gone.
        """
        saved = train(self.learner, self.data, self.saved, keep=self._keep, watch=watch, after_epoch=self._after_epoch)
        self._copy()
        if self.ranks is not None:
            self.ranks.part()
        return replace(self, saved=saved, learner=self.own)

    def _copy(self) -> None:
        if self.own is not self.learner:
            values, _ = checkpoint.snapshot(self.learner.variables())
            for variable, value in zip(self.own.variables(), values, strict=True):
                variable.assign(value)

    def _keep(self, saved: Checkpoint) -> None:
        if self.leads:
            checkpoint.write(self.folder / checkpoint.NAME, saved)

    def _after_epoch(self, epoch: int) -> Mapping[str, float]:
        recipe = self.recipe
        if not self.leads or (recipe.frame is None and recipe.after_epoch is None):
            return {}
        self._copy()
        if recipe.frame is not None:
            film.keep(self.folder, epoch, recipe.frame(self.trained, self.data))
        return recipe.after_epoch(self.trained, self.data) if recipe.after_epoch is not None else {}


def start(settings: Any, folder: Path, *, ranks: Ranks | None = None) -> Run:
    """Prepare a new training in a new folder; its first checkpoint is written before any step.

    Args:
        settings: of the recipe.
        folder: where the run goes; of many processes only rank 0 writes there.
        ranks: the processes that train together, none if this one is alone; returns when all of them are ready.

    Raises:
        DataError: if the folder holds a run already or cannot be written, or the data are not what they should be.
        RankError: if the processes do not meet, or are not about to do the same.
    """
    if ranks is not None:
        ranks.check(settings)
    leads = ranks is None or ranks.leads
    if leads and (folder / checkpoint.NAME).exists():
        raise DataError(f"{folder}: holds a run already; go on with --resume {folder}, or give another --out.")
    recipe = RECIPES[settings.recipe].chosen(settings)
    data = recipe.data(settings)
    if leads:
        check_place(folder)
    about = {**data.about, "steps": -(-len(data.train) // settings.batch_size)}
    learner, own, summary = _learners(recipe, settings, about, ranks, data.digest, epoch=0)
    saved = Checkpoint(recipe.name, settings.plain(), data.digest, about, (), checkpoint.Part(),
                       *checkpoint.snapshot(learner.variables()))
    if leads:
        checkpoint.write(folder / checkpoint.NAME, saved)
    return Run(recipe, settings, folder, data, learner, saved, summary, own, ranks)


def resume(folder: Path, *, recipe: str | None = None, ranks: Ranks | None = None, **given: Any) -> Run:
    """Go on with a training from its last checkpoint.

    Args:
        folder: that holds it; of many processes each has to see it.
        recipe: the one that the caller expects.
        ranks: the processes that train together; as many as before or not, the numbers stay the same up to rounding.
        given: settings that the caller insists on; None where there is no wish. More epochs prolong the training, all
            others have to be those that it was started with.

    Raises:
        DataError: if there is no whole checkpoint, or it belongs to other settings, data or another network.
        RankError: if the processes do not meet, or are not about to do the same.
    """
    saved = checkpoint.read(folder)
    known, settings = _settings(saved, folder, recipe)
    for name, value in given.items():
        was = getattr(settings, name)
        longer = name == "epochs" and value is not None and value >= len(saved.history)
        if value is not None and value != was and not longer:
            raise DataError(f"{folder}: was started with {name}={_said(was)}, and cannot go on with {_said(value)}; "
                            "leave it out, or start a new run.")
    settings = replace(settings, epochs=given.get("epochs") or settings.epochs)
    if ranks is not None:
        ranks.check(settings)
    data = known.data(settings)
    if data.digest != saved.data:
        raise DataError(f"{folder}: was started on other examples than {data.source} has now; give the same --data, "
                        "or start a new run.")
    learner, own, summary = _learners(known, settings, saved.about, ranks, data.digest,
                                      epoch=len(saved.history), step=saved.part.steps)
    checkpoint.pour(saved, learner.variables(), str(folder))
    return Run(known, settings, folder, data, learner, replace(saved, settings=settings.plain()), summary, own, ranks)


def restore(folder: Path, *, backend: str | None = None) -> tuple[Recipe, Trained]:
    """A run's recipe, and its network as the last checkpoint has it, to be used.

    Raises:
        DataError: if there is no whole checkpoint, or it is that of another network.
    """
    saved = checkpoint.read(folder)
    recipe, settings = _settings(saved, folder, None)
    learner = _seeded(recipe, replace(settings, backend=backend or settings.backend), saved.about)
    checkpoint.pour(saved, learner.variables(), str(folder))
    return recipe, Trained(settings, learner, saved.about, _kept(folder / FACTS), folder)


def recipe_of(folder: Path) -> Recipe:
    """A run's recipe, without building its network.

    Raises:
        DataError: if there is no whole checkpoint, or none that is known here.
    """
    return _settings(checkpoint.read(folder), folder, None)[0]


def _learners(recipe: Recipe, settings: Any, about: Mapping[str, Any], ranks: Ranks | None, digest: str,
              **at: int) -> tuple[Learner, Learner, str]:
    """What learns, what judges and draws, and the layers in words."""
    if ranks is None:
        learner = _seeded(recipe, settings, about)
        return learner, learner, _summary(learner.model)
    from .. import __version__

    same = {name: str(value) for name, value in settings.plain().items() if name != "data"}
    use_backend(settings.backend)  # before Keras is asked for the distribution
    ranks.meet({"version": __version__, "recipe": recipe.name, **same, "data": digest, **at})
    together = Together(ranks, lambda: _seeded(recipe, settings, about))
    summary = _summary(together.model)
    return together, _seeded(recipe, settings, about) if ranks.leads else together, summary


def _seeded(recipe: Recipe, settings: Any, about: Mapping[str, Any]) -> Learner:
    use_backend(settings.backend)
    import keras

    keras.utils.set_random_seed(settings.seed % 2**32)
    return recipe.learner(settings, about)


def _settings(saved: Checkpoint, folder: Path, expected: str | None) -> tuple[Recipe, Any]:
    if saved.recipe not in RECIPES or expected not in (None, saved.recipe):
        raise DataError(f"{folder}: is a run of the recipe {saved.recipe!r}, not of {expected or 'one known here'}; "
                        "use that recipe.")
    recipe = RECIPES[saved.recipe]
    if set(saved.settings) != {kind.name for kind in kinds(recipe.settings)}:
        raise DataError(f"{folder}: was written with other settings than this version of tconv knows; use the version "
                        "that wrote it.")
    settings = recipe.settings(**saved.settings)
    return recipe.chosen(settings), settings


def _kept(path: Path) -> Mapping[str, Any]:
    try:
        return json.loads(path.read_text()).get("kept", {})  # type: ignore[no-any-return]
    except (OSError, ValueError, AttributeError):
        return {}


def _summary(model: Any) -> str:
    """Taken before the optimizer has variables, which Keras would add to the total."""
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    return "\n".join(lines).strip()


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
