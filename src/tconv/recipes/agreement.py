"""How far two masks of classes agree: confusion, Dice and IoU, and what colour alone would tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..methods.channels import Array
from .data.scenes import Scene, stretched
from .recipe import Table

__all__ = ["agreement", "by_colour", "confusion", "confusions", "means", "tables"]


def confusion(true: Array, found: Array, classes: int) -> Array:
    """How many pixels of each class (rows) were taken for each class (columns).

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    places = true.ravel().astype(np.int64) * classes + found.ravel()
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)


def confusions(pairs: Iterable[tuple[Array, Array]], classes: int) -> Array:
    """The same over many pairs of masks `(true, found)`."""
    table = np.zeros((classes, classes), np.int64)
    for true, found in pairs:
        table += confusion(true, found, classes)
    return table


def agreement(table: Array) -> dict[str, Array]:
    """From a confusion table the Dice coefficient and the IoU of each class; NaN where a class is nowhere.

    >>> agreement(np.array([[6, 1], [1, 2]]))["dice"].round(3).tolist()
    [0.857, 0.667]
    """
    both, either = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return {"dice": 2 * both / either, "iou": both / (either - both)}


def means(table: Array) -> dict[str, float]:
    """Dice and IoU over all classes but the first, those that are there; 0 where there are none.

    >>> means(np.array([[6, 1, 0], [1, 2, 0], [0, 0, 0]]))
    {'dice': 0.6666666666666666, 'iou': 0.5}
    """
    return {name: float(np.nan_to_num(values[1:]).sum() / max(1, np.isfinite(values[1:]).sum()))
            for name, values in agreement(table).items()}


def by_colour(train: Sequence[Scene], validation: Sequence[Scene], classes: int) -> Array:
    """The confusion of the simplest way: each colour means the class that it mostly had in training."""
    channels = stretched(train[0].picture).shape[-1]
    seen, asked = (_colours(scenes, classes, channels) for scenes in (train, validation))
    meant = seen.argmax(axis=1)
    return np.stack([asked[meant == number].sum(axis=0) for number in range(classes)], axis=1)


def _colours(scenes: Sequence[Scene], classes: int, channels: int) -> Array:
    """How many pixels of each class a colour has, in steps of a 256th of grey, or of a 16th of each part."""
    levels = 256 if channels == 1 else 16
    counts = np.zeros(levels**channels * classes, np.int64)
    for scene in scenes:
        steps = np.clip(stretched(scene.picture) * levels, 0, levels - 1).astype(np.int64)
        colour = (steps * levels ** np.arange(channels)).sum(axis=-1)
        counts += np.bincount((colour * classes + scene.mask).ravel(), minlength=len(counts))
    return counts.reshape(-1, classes)


def tables(names: Sequence[str], table: Array) -> list[Table]:
    """A confusion as a report has it: class by class, and, where there are more than two, what is taken for what."""
    shares, right = table.sum(axis=1) / table.sum(), agreement(table)
    with np.errstate(invalid="ignore"):
        precise, complete = (np.diag(table) / table.sum(axis=axis) for axis in (0, 1))
    rows = [(name, f"{100 * share:.2f} %", *map(_said, values)) for name, share, *values in
            zip(names, shares, right["dice"], right["iou"], precise, complete, strict=True)]
    told = [Table("Class by class", "Over all pixels of the pictures to validate with.",
                  ("class", "of all pixels", "Dice", "IoU", "right of those found", "found of those there"), rows)]
    if len(names) > 2:
        taken = [(name, *(f"{100 * one / max(1, row.sum()):.1f}" for one in row))
                 for name, row in zip(names, table, strict=True)]
        told.append(Table("What is taken for what", "Of each class's pixels (rows), the percentage that was taken for "
                          "each class (columns).", ("", *names), taken))
    return told


def _said(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "nowhere"
