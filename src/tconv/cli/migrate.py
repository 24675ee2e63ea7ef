"""`tconv convert OLD.keras --migrate`: a model that old Keras trained on PyTorch, brought to mean what it meant."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ..errors import DataError, MissingExtra, SettingError
from ..files import check_place
from .words import out

__all__ = ["migrate"]


def migrate(model: Path, path: Path | None, overwrite: bool, as_json: bool) -> None:
    """Read a Keras file, give each layer that changed its meaning a zero tap, and write it anew."""
    target = _checked(model, path, overwrite)
    try:
        from ..models.keras_file import load
        from ..models.repair_keras import KerasModel
    except ModuleNotFoundError as error:
        raise MissingExtra("convert", error.name or "keras", "keras") from None
    from ..convert import changes, migrated

    old = load(model)
    found = changes(old)
    if found:
        KerasModel(migrated(old)).save(target)
    if as_json:
        print(json.dumps({"model": str(model), "written": str(target) if found else None,
                          "changes": [asdict(change) for change in found]}, indent=2))
        return
    console = out()
    for line in (*map(str, found), *_end(model, target, bool(found))):
        console.print(line, markup=False, soft_wrap=True)


def _end(model: Path, path: Path, changed: bool) -> tuple[str, ...]:
    if not changed:
        return f"{model.name}: old and new Keras agree on every layer; nothing is written.",
    return ("All other weights as they were; to train on, compile it again, since an optimiser's state does not fit.",
            f"written: {path}")


def _checked(model: Path, path: Path | None, overwrite: bool) -> Path:
    if path is None:
        raise SettingError("--out: is wanted with --migrate; give a name ending in .keras with -o.")
    if not model.is_file():
        raise DataError(f"{model}: is {'no file' if model.exists() else 'not there'}; give a Keras file to migrate.")
    for place, what in ((model, "LAYER"), (path, "--out")):
        if place.suffix != ".keras":
            raise SettingError(f"{what}: is {str(place)!r}, but --migrate goes from .keras to .keras; load other files "
                               "with Keras and give the model to tconv.convert.migrated.")
    if path.exists() and path.samefile(model):
        raise DataError(f"{path}: is the model itself, which is never touched; give another name with -o.")
    if path.exists() and not overwrite:
        raise DataError(f"{path}: is there already; give another name, or --overwrite.")
    check_place(path.parent)
    return path
